# SPDX-License-Identifier: MIT
"""Features of patches, as a Zarr store (format 3) that xarray.open_zarr() opens.

    patches   [time][row][column][dim]   float16 or float32
    time      [time]     int64   position in the video, ns; -1 where it has none
    pts       [time]     int64   of GStreamer, ns; the same
    frame     [time]     int64   number of the decoded frame
    record    [time]     int64   row of it in frames/STEM.parquet
    y         [row]      float64 centres of the patches in pixels of the frame
    x         [column]   float64

Attributes: video, model_id, frame_width, frame_height.  Frames of the size that the
first has are the root of the store.  Where the size changes in mid-stream, as in a batch
of pictures, those of each other size are a group of their own, "WIDTHxHEIGHT", of the
same make: xarray.open_zarr(store, group="640x480").

A store is written beside its name, and renamed when it is whole."""
import os
import shutil
import warnings

import numpy
import zarr

import table

# Bytes that are read at once, and that are held in memory and written as one file.
CHUNK, SHARD = 1 << 20, 1 << 25
ALONG = {"time": "stream_time", "pts": "pts"}
COORDINATES = ("time", "pts", "frame", "record")


def remove(path):
    """A store, or what is left of one; under another name while it goes."""
    if os.path.isdir(path):
        gone = table.aside(path)
        os.rename(path, gone)
        shutil.rmtree(gone)


class Size:
    """The frames of one size: a group with its arrays, and what is not yet written."""

    def __init__(self, group, shape, dtype, places, attributes):
        """shape: (rows, columns, dim); places: of frames.Frame."""
        frame = int(numpy.prod(shape)) * dtype.itemsize
        self.at_once = max(1, CHUNK // frame)
        self.limit = self.at_once * max(1, SHARD // (self.at_once * frame))
        self.group, self.held, self.written = group, [], 0
        self.frame = frame   # in bytes
        group.attrs.update(attributes)
        self.patches = group.create_array(
            "patches", shape=(0, *shape), dtype=dtype, chunks=(self.at_once, *shape),
            shards=(self.limit, *shape), dimension_names=("time", "row", "column", "dim"))
        self.coordinates = {
            name: group.create_array(name, shape=(0,), dtype="int64", chunks=(1 << 16,),
                                     dimension_names=("time",))
            for name in COORDINATES}
        # What xarray takes for coordinates beside the arrays named as dimensions.
        self.patches.attrs["coordinates"] = "pts frame record y x"
        for name, dimension, values in (("x", "column", places[0]), ("y", "row", places[1])):
            array = group.create_array(name, shape=(len(values),), dtype="float64",
                                       dimension_names=(dimension,))
            array[:] = numpy.array(values)
            array.attrs["units"] = "pixels of the frame"
        for name in ALONG:
            self.coordinates[name].attrs["units"] = "ns"

    def add(self, values, coordinates):
        self.held.append((values, coordinates))
        if len(self.held) >= self.limit:
            self.flush()

    def flush(self):
        if not self.held:
            return
        end = self.written + len(self.held)
        for name, array in self.coordinates.items():
            array.resize((end,))
            array[self.written:] = numpy.array([own[name] for _, own in self.held], "int64")
        self.patches.resize((end, *self.patches.shape[1:]))
        self.patches[self.written:] = numpy.stack([values for values, _ in self.held])
        self.written, self.held = end, []


class Writer:
    """Writes a store as frames come, and holds no more than SHARD bytes of them, of all
    sizes together.  finish() and close() make it whole; what is not closed is discarded."""

    def __init__(self, path, dtype, video, model_id):
        self.path, self.dtype = path, numpy.dtype(dtype)
        self._part, self._sizes = table.aside(path), {}
        self._about = {"video": video, "model_id": model_id}
        os.makedirs(os.path.dirname(path), exist_ok=True)
        self._root = zarr.open_group(self._part, mode="w-", zarr_format=3)

    def _size(self, width, height, shape, places):
        key = f"{width}x{height}"
        if key not in self._sizes:
            group = self._root if not self._sizes else self._root.create_group(key)
            self._sizes[key] = Size(group, shape, self.dtype, places, dict(
                self._about, frame_width=width, frame_height=height))
        return self._sizes[key]

    def add(self, frame, record):
        """frame: a frames.Frame; record: its row in the table."""
        row, values = frame.row, frame.patches.astype(self.dtype)
        own = {"frame": row["frame"], "record": record}
        for name, column in ALONG.items():
            own[name] = -1 if row[column] is None else row[column]
        self._size(row["width"], row["height"], values.shape, frame.places).add(values, own)
        self._bound()

    def _bound(self):
        """Of many sizes that with the most bytes is written before it fills a file."""
        while sum(size.frame * len(size.held) for size in self._sizes.values()) > SHARD:
            max(self._sizes.values(), key=lambda size: size.frame * len(size.held)).flush()

    def add_store(self, path, first_frame, records):
        """What another store holds, its frames counted from there on.  records: int64, of
        each row of its table the one in this table, -1: left out."""
        root = zarr.open_group(path, mode="r")
        for group in [root] * ("patches" in root) + [group for _, group in root.groups()]:
            patches = group["patches"]
            own = {name: group[name][:] for name in COORDINATES}
            own["frame"] = own["frame"] + first_frame
            own["record"] = records[own["record"]]
            if (own["record"] < 0).all():
                continue
            size = self._size(group.attrs["frame_width"], group.attrs["frame_height"],
                              patches.shape[1:], (tuple(group["x"][:]), tuple(group["y"][:])))
            for start in range(0, patches.shape[0], size.limit):
                for i, values in enumerate(patches[start:start + size.limit], start):
                    if own["record"][i] >= 0:
                        size.add(values, {name: column[i] for name, column in own.items()})
                        self._bound()

    def finish(self):
        """Only close() follows."""
        for size in self._sizes.values():
            size.flush()
        with warnings.catch_warnings():
            # Zarr says that not every reader of format 3 knows of it; those pass it over.
            warnings.simplefilter("ignore")
            zarr.consolidate_metadata(self._root.store)

    def close(self):
        """What finish() has written gets its name."""
        gone = table.aside(self.path)
        if os.path.isdir(self.path):
            os.rename(self.path, gone)
        os.rename(self._part, self.path)
        self._root = None
        if os.path.isdir(gone):
            shutil.rmtree(gone)

    def discard(self):
        if self._root is not None:
            self._root = None
            shutil.rmtree(self._part)
