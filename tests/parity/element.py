# SPDX-License-Identifier: MIT
"""vitpatchembed on frames of noise, for what compares its tokens, or what is made of
them."""
import os
import re
import subprocess
from pathlib import Path

import numpy


class Element:
    """vitpatchembed of a build folder, run by gst-launch-1.0."""

    def __init__(self, build, scratch):
        plugin = str(Path(build).resolve() / "plugin")
        self.scratch = scratch
        self.tokens_path = scratch / "tokens.npy"
        self.patch_size = None  # of the model that ran last
        self.environment = dict(
            os.environ, GST_PLUGIN_PATH=os.path.join(plugin, "module"),
            LD_LIBRARY_PATH=plugin, GST_REGISTRY=str(scratch / "registry.bin"),
            GST_DEBUG_NO_COLOR="1", GST_DEBUG="vitpatchembed:4")

    def run(self, folder, frame):
        """(tokens, position rule, None) or (None, None, what went wrong)."""
        height, width, _ = frame.shape
        stride = (width * 3 + 3) // 4 * 4
        rows = numpy.zeros((height, stride), numpy.uint8)
        rows[:, :width * 3] = frame.reshape(height, -1)
        source, target = self.scratch / "frame", self.tokens_path
        source.write_bytes(rows.tobytes())
        target.unlink(missing_ok=True)
        done = subprocess.run(
            ["gst-launch-1.0", "-q", "filesrc", f"location={source}", "!",
             "rawvideoparse", "format=rgb", f"width={width}",
             f"height={height}", "!", "vitpatchembed", "precision=f32",
             f"model={folder}", "!",
             "vittokenenc", "!", "application/x-npy", "!", "filesink",
             f"location={target}"],
            env=self.environment, capture_output=True, text=True, timeout=120)
        if done.returncode or not target.exists():
            found = re.search(r"ERROR: from element \S+: (.*)", done.stderr)
            return None, None, found.group(1) if found else done.stderr
        rule = re.search(r"position-rule=\(string\)([\w-]+)", done.stderr)
        self.patch_size = int(
            re.search(r"patch-size=\(uint\)(\d+)", done.stderr).group(1))
        return numpy.load(target), rule.group(1) if rule else "?", None


def make_frame(width, height):
    generator = numpy.random.default_rng(width * 1000 + height)
    return generator.integers(0, 256, (height, width, 3), numpy.uint8)
