# SPDX-License-Identifier: MIT
"""What workers do: a video, a slice of one, slices joined, a batch of pictures.  Each
writes its files and returns a small dict of what became of it:

    rows, frames   written, and decoded
    errors         [(name, message, debug)]
    slices         in place of these: [(start, end)], as the video is a long one
    whole          of joined slices: whether they fit together

Nothing here knows who runs it."""
import contextlib
import os
import time

import numpy
import pyarrow
import pyarrow.compute

import choice
import frames
import names
import patches
import settings as settings_module
import sources
import table

# Seconds between two reports.
OFTEN = 1.0
# How much of its length the vector of a frame may differ by on two machines.
SAME = 1e-3


class Output:
    """The rows of one file, and the patches of one store, written together: the store
    first, so that where the file is the store is, too."""

    def __init__(self, folder, stem, settings, model, pictures=False, slices=False,
                 expected=None):
        """model: (id, dim), of frames.describe(); slices: it is not for readers yet.
        expected: of an old file, in place of settings.expected()."""
        self.settings, self.pictures = settings, pictures
        self.model_id, self.dim = model
        place = table.slices_folder if slices else table.frames_folder
        self._path = os.path.join(place(folder), stem + table.ENDING)
        self._store = (os.path.join(place(folder), stem + ".zarr") if slices
                       else table.patches_path(folder, stem))
        self._json, self._expected = settings.json(), expected

    def __enter__(self):
        self.rows = table.Writer(self._path, self.dim)
        self.patches = None
        return self

    def open_patches(self, name):
        if "patches" in self.settings.what and self.patches is None:
            self.patches = patches.Writer(self._store, self.settings.patch_type,
                                          name, self.model_id)
        return self.patches

    def add(self, frame):
        """Raises PipelineError where a machine has another model under this path."""
        if frame.row["model_id"] != self.model_id:
            raise frames.PipelineError(
                f"the model here is {frame.row['model_id']}, not {self.model_id}")
        if frame.patches is not None:
            self.open_patches(frame.row["video"]).add(frame, self.rows.added)
        self.rows.add(dict(frame.row, settings=self._json))

    def close(self, held, **more):
        """held: the Sources that the rows are of."""
        self.rows.finish(dict(
            self._expected or self.settings.expected(self.model_id),
            sources=sources.described(held), pictures=self.pictures,
            patches=self.patches is not None, **more))
        if self.patches:
            self.patches.finish()
        if (self.patches or os.path.isdir(self._store)) and os.path.exists(self._path):
            os.unlink(self._path)  # of other rows: no longer beside its store
        if self.patches:
            self.patches.close()
        else:
            patches.remove(self._store)
        self.rows.close()

    def __exit__(self, *_):
        self.rows.discard()
        if self.patches:
            self.patches.discard()


class Reports:
    """Tells how far a work is, no more than once in a while.  size: of its source, in
    bytes."""

    def __init__(self, report, size):
        self._report, self._next, self._size = report, 0, max(size, 0)

    def tell(self, rows, frames, done, whole):
        """frames: decoded; done of whole, in any unit; None, where that is not known."""
        now = time.monotonic()
        if now >= self._next:
            self._next = now + OFTEN
            self._report(rows, frames, self._size * min(done / whole, 1) if whole else 0)


def index_part(source, output, part, options, report):
    """The frames of a video or slice into `output`.  Returns (Video, its first frame)."""
    video = frames.Video(table.text(source.name), names.uri(source.name), output.settings,
                         options["threads"], part, options.get("longest"),
                         options["patience"])
    first = None
    reports = Reports(report, options.get("share", source.size))
    for number, frame in enumerate(video, 1):
        first = first or frame
        output.add(frame)
        begin, end = part[0] or 0, part[1] or video.duration
        reports.tell(number, video.choice.counted,
                     (frame.row["stream_time"] or 0) - begin, end and end - begin)
    return video, first


def changed(source):
    """Whether a file is another than it was when it was listed."""
    try:
        return not sources.is_uri(source.name) and sources.of_name(source.name) != source
    except OSError:
        return True


def failure(source, error):
    return {"rows": 0, "frames": 0,
            "errors": [(table.text(source.name), error.message, error.debug)]}


def check_same(source):
    if changed(source):
        raise frames.PipelineError("the file was written to while it was read")


def index_video(folder, source, settings, model, options, report):
    """A whole video.  A long one is only looked at: its slices are returned."""
    frames.keep(settings, options["threads"])
    try:
        with Output(folder, table.stem(source.name), settings, model) as output:
            video, first = index_part(source, output, (None, None), options, report)
            if first is None:
                raise frames.PipelineError("no frame could be decoded")
            check_same(source)
            output.close([source])
            return {"rows": output.rows.rows, "frames": video.choice.counted, "errors": []}
    except frames.Plan as plan:
        return {"slices": choice.slices(plan.args[0], options["slice"], settings.every)}
    except frames.PipelineError as error:
        return failure(source, error)


def slice_stem(source, number):
    return f"{table.stem(source.name)}.{number:05d}"


def key(frame):
    """What tells that two frames are the same: times, and the embedding or else the mean
    of the patches, where there is one."""
    if frame is None:
        return None
    row, values = frame.row, frame.row.get("embedding")
    if values is None and frame.patches is not None:
        values = frame.patches.mean((0, 1))
    return [row["pts"], row["stream_time"], None if values is None else values.tolist()]


def is_same(one, other):
    """Of two keys.  Times are equal; vectors differ by no more than SAME of their length:
    processors with other instructions add in another order."""
    if one is None or other is None or not (
            isinstance(one[2], list) and isinstance(other[2], list)):
        return one == other
    first, second = numpy.array(one[2]), numpy.array(other[2])
    return one[:2] == other[:2] and first.shape == second.shape and bool(
        numpy.linalg.norm(first - second) <= SAME * numpy.linalg.norm(first))


def index_slice(folder, source, number, part, settings, model, options, report):
    """One slice of a long video, to be joined; its frames count from 0."""
    frames.keep(settings, options["threads"])
    try:
        with Output(folder, slice_stem(source, number), settings, model, slices=True) as output:
            video, first = index_part(source, output, part, options, report)
            check_same(source)
            output.close([source], part=list(part), frames=video.choice.counted,
                         first=key(first), behind=key(video.seam))
            return {"rows": output.rows.rows, "frames": video.choice.counted, "errors": []}
    except frames.PipelineError as error:
        return failure(source, error)


def slice_paths(folder, source, number):
    start = os.path.join(table.slices_folder(folder), slice_stem(source, number))
    return start + table.ENDING, start + ".zarr"


def remove_slices(folder, source):
    """All that are left of a video, of other lengths too."""
    place = table.slices_folder(folder)
    start = table.stem(source.name) + "."
    for name in os.listdir(place) if os.path.isdir(place) else ():
        if name.startswith(start):
            path = os.path.join(place, name)
            patches.remove(path) if os.path.isdir(path) else os.unlink(path)


def slice_is_whole(folder, source, number, part, expected):
    description = table.read_description(slice_paths(folder, source, number)[0])
    return bool(description) and sources.is_of(description, dict(
        expected, part=list(part), sources=sources.described([source])))


def fit_together(descriptions):
    """Whether each slice begins with the very frame that lies behind the one before.  One
    that has none, in a long gap, has the same frame behind it as the one before."""
    return all(is_same(before["behind"], after["first"] or after["behind"])
               for before, after in zip(descriptions, descriptions[1:]))


def shifted(rows, first):
    """A Table whose frames are counted from `first` on."""
    at = rows.schema.get_field_index("frame")
    return rows.set_column(at, "frame", pyarrow.compute.add(rows["frame"], first))


def write_joined(folder, source, paths, descriptions, settings, model):
    first = 0
    with Output(folder, table.stem(source.name), settings, model) as output:
        for (path, store), description in zip(paths, descriptions):
            if description["patches"]:
                added = output.rows.added
                output.open_patches(table.text(source.name)).add_store(
                    store, first, numpy.arange(added, added + description["rows"]))
            with table.open_file(path) as rows:
                for group in range(rows.num_row_groups):
                    output.rows.add_table(shifted(rows.read_row_group(group), first))
            first += description["frames"]
        check_same(source)
        output.close([source])


def join_slices(folder, source, count, settings, model):
    """The slices of a video become its file; they go."""
    paths = [slice_paths(folder, source, number) for number in range(count)]
    result = {"rows": 0, "frames": 0, "errors": [], "whole": True}
    # It is there already where who joined them died before it had removed them all.
    if not sources.is_whole(folder, table.stem(source.name), [source],
                            settings.expected(model[0])):
        descriptions = [table.read_description(path) for path, _ in paths]
        result["whole"] = all(descriptions) and fit_together(descriptions)
        if result["whole"]:
            try:
                write_joined(folder, source, paths, descriptions, settings, model)
            except frames.PipelineError as error:
                result["errors"] = failure(source, error)["errors"]
    for path, store in paths:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        patches.remove(store)
    return result


def index_picture(source, settings, options):
    """The one Frame of a picture; of a moving one the first."""
    video = frames.Video(table.text(source.name), names.uri(source.name), settings,
                         options["threads"], patience=options["patience"])
    with contextlib.closing(iter(video)) as found:
        frame = next(found, None)
    if frame is None:
        raise frames.PipelineError("no picture could be decoded")
    check_same(source)
    # What a still picture's decoder says of time means nothing.
    frame.row.update(pts=None, stream_time=None, frame=0)
    return frame


def copy_rows(folder, stem, output, gone):
    """The rows and patches of a batch of pictures into an Output, but of those whose names
    are in `gone`.  Returns the Sources that they are of."""
    path = table.frames_path(folder, stem)
    description = table.read_description(path)
    with table.open_file(path) as file:
        rows = file.read()
    stays = numpy.array([name not in gone for name in rows["video"].to_pylist()])
    if not stays.any():
        return []
    records = numpy.where(stays, output.rows.added + numpy.cumsum(stays) - 1, -1)
    rows = rows.filter(pyarrow.array(stays))
    if description["patches"]:
        output.open_patches(rows["video"][0].as_py()).add_store(
            table.patches_path(folder, stem), 0, records)
    output.rows.add_table(rows)
    return [sources.Source(*source) for source in description["sources"]
            if source[0] not in gone]


def remove_rows(folder, stem, gone):
    """Those of pictures whose names are in `gone`, of a file of any settings."""
    path = table.frames_path(folder, stem)
    description = table.read_description(path)
    settings = settings_module.of_description(description)
    with Output(folder, stem, settings, (description["model_id"], table.dim_of(path)),
                pictures=True, expected=description) as output:
        left = copy_rows(folder, stem, output, gone)
        if left:
            output.close(left)
            return
    os.unlink(path)
    patches.remove(table.patches_path(folder, stem))


def index_pictures(folder, stem, old, batch, settings, model, options, report):
    """A batch of pictures: a row each; a bad one is an error, and no more.  old: the stem
    of a file that has rows of them, or None.  Whatever else it holds, pictures that are
    gone too, stays, and so does it itself until the new file is whole."""
    frames.keep(settings, options["threads"])
    held, errors = [], []
    with Output(folder, stem, settings, model, pictures=True) as output:
        reports = Reports(report, sum(source.size for source in batch))
        for number, source in enumerate(batch, 1):
            try:
                output.add(index_picture(source, settings, options))
                held.append(source)
            except frames.PipelineError as error:
                errors += failure(source, error)["errors"]
            reports.tell(number, number, number, len(batch))
        done = {table.text(source.name) for source in held}
        if held:
            # One of that name has rows of no other pictures, and of these settings.
            there = table.read_description(table.frames_path(folder, stem))
            output.close(held + (copy_rows(folder, stem, output, done) if there else []))
    if held and old not in (None, stem):
        remove_rows(folder, old, done)
    return {"rows": len(held), "frames": len(held), "errors": errors}
