# SPDX-License-Identifier: MIT
"""What is left of an archive to be done, in pieces of work, and what came of each."""
import collections
import contextlib
import datetime
import glob
import os
import shutil

import progress
import sources
import table
import work

# One call of work's function `name`; key: what it is of.  reports: whether it tells how
# far it is.
Piece = collections.namedtuple("Piece", "key name arguments reports")


def clear(folder):
    """Removes what was being written when an earlier run was stopped."""
    for place in (folder, table.frames_folder(folder), table.patches_folder(folder),
                  table.slices_folder(folder)):
        for path in glob.glob(os.path.join(glob.escape(place), ".*" + table.PART)):
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path)
            else:
                os.unlink(path)
    with contextlib.suppress(OSError):  # some are for the next run
        os.rmdir(table.slices_folder(folder))


class Archive:
    """folder: of the index; model: (id, dim), of frames.describe(); threads: of a worker;
    length: of a slice in ns, 0: videos are not cut; patience: in seconds."""

    def __init__(self, folder, settings, model, threads, length, patience):
        self.folder, self.settings, self.model = folder, settings, model
        self.length = length
        self.options = {"threads": threads, "patience": patience}
        self.expected = settings.expected(model[0])
        self.todo = collections.deque()   # of Pieces
        self.errors = {row["video"]: row for row in table.read_errors(folder).to_pylist()}
        self.errors_changed = False
        self.slices = {}                  # {Source: [of each slice its result, or None]}
        self.progress = None
        self.core_seconds = 0             # of the workers, those that died aside

    def plan(self, archive):
        """Fills `todo` with what `archive`, a folder or list, holds and the index lacks.
        Returns the number of what it has already."""
        videos, pictures, missing = sources.listing(archive)
        left = [source for source in videos if not sources.is_whole(
            self.folder, table.stem(source.name), [source], self.expected)]
        fresh, outdated, spare = sources.pictures_left(self.folder, pictures, self.expected)
        for stem, names in spare:   # an earlier run was stopped before it came to that
            work.remove_rows(self.folder, stem, names)
        some = fresh + [source for _, _, again in outdated for source in again]
        self._succeed({*videos, *pictures} - {*left, *some})
        self.progress = progress.Progress(
            len(left) + len(some), sum(max(source.size, 0) for source in left + some))
        for name in [name for name in self.errors if os.path.isdir(name)]:
            del self.errors[name]   # a folder's, that may be read now
            self.errors_changed = True
        for name, why in missing:
            self._fail(table.text(name), why)
        for source in left:
            self._add_video(source)
        for batch in sources.batches(fresh):
            self._add_pictures(batch)
        for stem, same, again in outdated:
            self._add_pictures(again, stem, stem if same else None)
        return len(videos) + len(pictures) - len(left) - len(some)

    def _add_pictures(self, batch, old=None, stem=None):
        """old: of a file that has rows of them; stem: of the new one."""
        self.todo.append(Piece(
            ("pictures", tuple(batch)), "index_pictures",
            (self.folder, stem or sources.batch_stem(batch, self.expected), old, batch,
             self.settings, self.model, self.options), True))

    def _add_video(self, source):
        longest = {"longest": self.length + self.length // 2, "slice": self.length}
        self.todo.append(self._video(source, longest if self.length else {}))

    def _video(self, source, more):
        return Piece(("video", source), "index_video",
                     (self.folder, source, self.settings, self.model,
                      {**self.options, **more}), True)

    def _fail(self, name, message, debug=""):
        self.progress.add(errors=1)
        self.errors_changed = True
        self.errors[name] = {"video": name, "message": message, "debug": debug,
                             "when": datetime.datetime.now(datetime.timezone.utc)}

    def _succeed(self, held):
        for source in held:
            if self.errors.pop(table.text(source.name), None):
                self.errors_changed = True

    def write_errors(self):
        if self.errors_changed:
            table.write_errors(self.folder, list(self.errors.values()))
            self.errors_changed = False

    def take(self, key, result):
        """key: of a Piece that ended; result: work's, or (message, debug) of its end."""
        kind, about, *rest = key
        if isinstance(result, tuple):
            names = about if kind == "pictures" else [about]
            result = {"rows": 0, "frames": 0, "died": True, "errors": [
                (table.text(source.name), *result) for source in names]}
        self.core_seconds += result.get("core_seconds", 0)
        getattr(self, "_take_" + kind)(about, result, *rest)

    def _take_video(self, source, result):
        if "slices" in result:
            self._add_slices(source, result["slices"])
            return
        self.progress.add(1, source.size, result["rows"], result["frames"])
        self._settle([source], result)

    def _take_pictures(self, batch, result):
        self.progress.add(len(batch), sum(source.size for source in batch), result["rows"],
                          result["frames"])
        self._settle(batch, result)

    def _settle(self, held, result):
        bad = {error[0] for error in result["errors"]}
        for error in result["errors"]:
            self._fail(*error)
        self._succeed([source for source in held if table.text(source.name) not in bad])

    def _add_slices(self, source, parts):
        """Those that an earlier run left are taken as they are."""
        results = self.slices[source] = [None] * len(parts)
        pieces = []
        for number, part in enumerate(parts):
            if work.slice_is_whole(self.folder, source, number, part, self.expected):
                results[number] = {"rows": 0, "frames": 0, "errors": []}
                continue
            options = dict(self.options, share=source.size // len(parts))
            pieces.append(Piece(
                ("slice", source, number), "index_slice",
                (self.folder, source, number, part, self.settings, self.model, options),
                True))
        self.todo.extendleft(reversed(pieces))
        self._join_if_complete(source)

    def _take_slice(self, source, result, number):
        results = self.slices[source]
        results[number] = result
        self.progress.add(0, source.size // len(results), result["rows"], result["frames"])
        self._join_if_complete(source)

    def _join_if_complete(self, source):
        results = self.slices[source]
        if None in results:
            return
        self.todo.appendleft(Piece(
            ("join", source), "join_slices",
            (self.folder, source, len(results), self.settings, self.model), False))

    def _take_join(self, source, result):
        """Where slices failed or do not fit together, the video is done as a whole, which
        also tells what is wrong with it."""
        results = self.slices.pop(source)
        work.remove_slices(self.folder, source)
        if result.get("died") or result["whole"]:
            self.progress.add(1)
            self._settle([source], result)
            return
        self.progress.add(0, rows=-sum(one["rows"] for one in results))
        self.progress.bytes -= source.size // len(results) * len(results)
        self.todo.appendleft(self._video(source, {}))
