# SPDX-License-Identifier: MIT
"""What the numbers of an index depend on, as the command line says it."""
import dataclasses
import errno
import json
import os
import re
import stat

UNITS = {"ms": 10**6, "s": 10**9, "min": 60 * 10**9, "h": 3600 * 10**9}
WHAT = ("embedding", "labels", "patches")


def nanoseconds(text):
    """Of "500ms", "1s", "10min", "1h", or "0"."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|min|h)", text)
    if not found and text != "0":
        raise ValueError(f"{text}: not a time such as 500ms, 1s, 10min or 0")
    return round(float(found[1]) * UNITS[found[2]]) if found else 0


def kinds(text):
    """The set of WHAT that "embedding,labels" names, in their order."""
    names = text.split(",")
    if not set(names) <= set(WHAT):
        raise ValueError(f"{text}: of {', '.join(WHAT)}, with a comma between")
    return tuple(name for name in WHAT if name in names)


@dataclasses.dataclass(frozen=True)
class Settings:
    """The table's column `settings` has these as JSON.  Not among them is what leaves
    the numbers as they are: workers, cores, slices."""

    model: str                      # absolute path
    every: int = 10**9              # ns between frames that are looked at; 0: each is
    what: tuple = ("embedding",)    # of WHAT
    max_tokens: int = 0             # of vitpatchembed, as precision and fit
    precision: str = "auto"
    fit: str = "crop"
    embedding: str = "auto"         # of vitencoder, as top and classes
    top: int = 5
    classes: str = None             # absolute path
    patch_type: str = "float16"     # of numbers in patches/

    def json(self):
        return json.dumps(dataclasses.asdict(self), sort_keys=True)

    def expected(self, model_id):
        """What a description must have that the rows are those of these settings."""
        return {"settings": json.loads(self.json()), "model_id": model_id,
                "classes": file_state(self.classes) if self.classes else None}

    def configure(self, tokens, features, threads):
        """Sets the properties of a vitpatchembed and a vitencoder."""
        for name in ("model", "precision", "fit"):
            set_property(tokens, name, getattr(self, name))
        tokens.set_property("max-tokens", self.max_tokens)
        set_property(features, "embedding", self.embedding)
        features.set_property("features", "patches" in self.what)
        features.set_property("top", self.top if "labels" in self.what else 0)
        if self.classes:
            features.set_property("classes", self.classes)
        tokens.set_property("n-threads", threads)
        features.set_property("n-threads", threads)


def are_settings(found):
    """Whether a description's object is one: of each value that it has the type is right."""
    return isinstance(found, dict) and isinstance(found.get("model"), str) and all(
        isinstance(value, list) and all(name in WHAT for name in value)
        if key == "what" else value is None or isinstance(value, str)
        if key == "classes" else type(value) is type(getattr(Settings, key, value))
        for key, value in found.items())


def of_description(description):
    """The Settings that a file's rows are of."""
    chosen = description["settings"]
    return Settings(**dict(chosen, what=tuple(chosen["what"])))


def set_property(element, name, value):
    from gi.repository import Gst

    Gst.util_set_object_arg(element, name, value)


def file_state(path):
    """[size in bytes, mtime in ns] of a file: other numbers, another file.  Raises OSError
    where it is none: whoever opens a pipe may wait for ever."""
    try:
        status = os.stat(path)
    except ValueError as error:     # a NUL in it
        raise OSError(errno.EINVAL, "no file has such a name", path) from error
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is no regular file", path)
    return [status.st_size, status.st_mtime_ns]
