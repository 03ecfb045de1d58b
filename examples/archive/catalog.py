# SPDX-License-Identifier: MIT
"""What is known of the files of an index folder, so that a search opens no file again that
did not change.

    DIR/index/files.json

    version  1
    spaces   [{"model_id": ..., "settings": ...}, ...], as in the files' descriptions
    files    [[name, size in bytes, mtime in ns, rows, whether of pictures, numbers in an
             embedding, number of its space], ...]

It is written anew where a file was opened or went, if it can be; all that is in it is in
the files, too."""
import collections
import contextlib
import json
import os

import settings
import table

VERSION = 1

File = collections.namedtuple("File", "name size mtime rows pictures dim space")


def index_folder(folder):
    return os.path.join(folder, "index")


def path_of(folder):
    return os.path.join(index_folder(folder), "files.json")


def write_json(path, value):
    """Whole, or not at all."""
    part = table.aside(path)
    try:
        with open(part, "w", encoding="utf-8") as file:
            json.dump(value, file, separators=(",", ":"))
        os.replace(part, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(part)
        raise


def is_file(found):
    """Whether it is a File as it was written."""
    numbers = found.size, found.mtime, found.rows, found.dim, found.space
    return (isinstance(found.name, str) and isinstance(found.pictures, bool)
            and all(type(number) is int for number in numbers)
            and found.rows >= 0 and found.dim >= 1 and found.space >= 0)


class Catalog:
    """paths: of the files that are there.  spaces: dicts of `model_id` and `settings`."""

    def __init__(self, folder, paths):
        self.folder, self.spaces = folder, []
        self._files, self._numbers, self._changed = {}, {}, False
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, IndexError):
            self._read(set(map(os.path.basename, paths)))

    def _read(self, names):
        held = table.read_json(path_of(self.folder))
        if held["version"] != VERSION:
            return
        spaces = [{key: space[key] for key in ("model_id", "settings")}
                  for space in held["spaces"]]
        if not all(isinstance(space["model_id"], str)
                   and settings.are_settings(space["settings"]) for space in spaces):
            return
        files = {row[0]: File(*row) for row in held["files"]}
        if not all(map(is_file, files.values())):
            return
        if files:
            spaces[max(file.space for file in files.values())]  # or IndexError
        self.spaces = spaces
        self._files = {name: file for name, file in files.items() if name in names}
        self._changed = len(self._files) < len(files)
        self._numbers = {self._text(space): number for number, space in enumerate(spaces)}

    @staticmethod
    def _text(space):
        return json.dumps(space, sort_keys=True)

    def file(self, path, read):
        """The File of a path.  read(path): (description, numbers in an embedding) of one
        that is not known, None: pass it over, then it is None here.  Raises OSError."""
        status, name = os.stat(path), os.path.basename(path)
        found = self._files.get(name)
        if found is None or (found.size, found.mtime) != (status.st_size, status.st_mtime_ns):
            told = read(path)
            if told is None:
                return None
            description, dim = told
            found = File(name, status.st_size, status.st_mtime_ns, description["rows"],
                         description.get("pictures", False), dim, self._number(description))
            self._files[name], self._changed = found, True
        return found

    def _number(self, description):
        space = {key: description[key] for key in ("model_id", "settings")}
        number = self._numbers.setdefault(self._text(space), len(self.spaces))
        if number == len(self.spaces):
            self.spaces.append(space)
        return number

    def save(self):
        """A folder that cannot be written to is left as it is."""
        if self._changed:
            with contextlib.suppress(OSError):
                os.makedirs(index_folder(self.folder), exist_ok=True)
                write_json(path_of(self.folder), {
                    "version": VERSION, "spaces": self.spaces, "files": list(self._files.values())})
