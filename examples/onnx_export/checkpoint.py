# SPDX-License-Identifier: MIT
"""A model's weights where they lie, in one .safetensors file or in shards: names
and shapes of all tensors, and the values of those that are asked for."""
import json
import os

import numpy
import safetensors

FLOATS = "F64", "F32", "F16", "BF16"
WEIGHTS = ("model.safetensors", "model.safetensors.index.json",
           "open_clip_model.safetensors")


class Refused(Exception):
    """What cannot be exported, and why: a sentence that names file and tensor or
    key."""


def read_json(path):
    """The object in a JSON file.  A pipe is not opened: that may take for ever."""
    try:
        if not os.path.isfile(path):
            raise Refused(f"{path}: is no regular file")
        with open(path, encoding="utf-8") as file:
            value = json.load(file)
    except (ValueError, RecursionError) as error:
        raise Refused(f"{path}: {error}") from error
    if not isinstance(value, dict):
        raise Refused(f"{path}: expected an object")
    return value


def find_weights(model):
    """The file by which the weights of `model`, a folder or a file, are read."""
    if not os.path.isdir(model):
        if not os.path.exists(model):
            raise Refused(f"{model}: there is no such file or folder")
        return model
    for name in WEIGHTS:
        if os.path.exists(os.path.join(model, name)):
            return os.path.join(model, name)
    found = [name for name in sorted(os.listdir(model))
             if name.endswith(".safetensors") and not name.startswith("adapter_")]
    if len(found) != 1:
        raise Refused(f"{model}: expected {WEIGHTS[0]} or {WEIGHTS[1]} in it, or one "
                      f".safetensors file; it has {len(found)} of these")
    return os.path.join(model, found[0])


class Checkpoint:
    def __init__(self, path):
        self.path = path
        self.folder = os.path.dirname(os.path.abspath(path))
        self._files = {}  # by name, those that are open
        self._file_of = {}  # a tensor's name: that of its file
        if path.endswith(".index.json"):
            self._read_index()
        else:
            name = os.path.basename(path)
            self._file_of = dict.fromkeys(self._open(name).keys(), name)
        self.names = sorted(self._file_of)

    def _read_index(self):
        self._file_of = read_json(self.path).get("weight_map")
        if not isinstance(self._file_of, dict):
            raise Refused(f"{self.path}: no weight_map can be read")
        for name in self._file_of.values():
            if not isinstance(name, str) or os.path.basename(name) != name:
                raise Refused(f"{self.path}: weight_map names {name!r}, which is no file "
                              "in its folder")

    def _open(self, name):
        if name not in self._files:
            path = os.path.join(self.folder, name)
            if not os.path.isfile(path):
                raise Refused(f"{path}: is missing, or no regular file")
            try:
                self._files[name] = safetensors.safe_open(path, "numpy")
            except (OSError, safetensors.SafetensorError) as error:
                raise Refused(f"{path}: {error}; expected a .safetensors file") from error
        return self._files[name]

    def __contains__(self, name):
        return name in self._file_of

    def _slice(self, name):
        file = self._open(self._file_of[name])
        try:
            return file.get_slice(name)
        except safetensors.SafetensorError as error:
            raise Refused(f"{self.path}: {name}: {error}") from error

    def shape(self, name):
        return tuple(self._slice(name).get_shape())

    def refuse(self, name, why):
        raise Refused(f"{self.path}: {name} is {list(self.shape(name))}, {why}")

    def read(self, name):
        """In float64."""
        if name not in self:
            raise Refused(f"{self.path}: there is no {name}")
        kind = self._slice(name).get_dtype()
        if kind not in FLOATS:
            self.refuse(name, f"of {kind}; expected one of {', '.join(FLOATS)}")
        if kind == "BF16":
            # numpy knows bfloat16 by its name once this is there.
            try:
                import ml_dtypes  # noqa: F401
            except ImportError:
                self.refuse(name, "of BF16, which takes the Python package ml_dtypes")
        values = self._slice(name)[...].astype(numpy.float64)
        if not numpy.isfinite(values).all():
            self.refuse(name, "and some of its values are not finite")
        return values
