# SPDX-License-Identifier: MIT
"""The library's encoder on tokens that vitpatchembed wrote, by the program of
encode.c; and its features, embedding and logits beside a package's."""
import subprocess
from pathlib import Path

import numpy

KINDS = "features", "embedding", "logits"
# Relative L2, against the package in float64.
MAX_ERROR = 2e-6


def relative_error(found, expected):
    return float(numpy.linalg.norm(found - expected)
                 / numpy.linalg.norm(expected))


class Encoder:
    def __init__(self, build, scratch):
        self.program = Path(build).resolve() / "tests" / "encode"
        self.folder = scratch / "encoded"
        self.folder.mkdir()

    def run(self, model, tokens, rows, cols):
        """({kind: numbers}, None), or (None, what went wrong).  `tokens` is a
        path."""
        for path in self.folder.iterdir():
            path.unlink()
        done = subprocess.run(
            [self.program, model, tokens, str(rows), str(cols), self.folder],
            capture_output=True, text=True, timeout=600)
        if done.returncode:
            return None, done.stderr.strip()
        return {path.stem: numpy.load(path).astype(numpy.float64)
                for path in self.folder.iterdir()}, None


class Worst:
    """The largest errors of a family, a kind each."""

    def __init__(self):
        self.errors = {}
        self.refused = False

    def add(self, found, expected):
        if set(found) != set(expected):
            raise RuntimeError(f"the encoder gives {sorted(found)}, the "
                               f"package {sorted(expected)}")
        for kind, values in expected.items():
            if found[kind].size != values.size:
                raise RuntimeError(f"{kind}: {found[kind].shape}, expected "
                                   f"{values.shape}")
            error = relative_error(found[kind].ravel(), values.ravel())
            self.errors[kind] = max(self.errors.get(kind, 0.0), error)

    def is_right(self):
        return all(error <= MAX_ERROR for error in self.errors.values())

    def cells(self):
        """Of a Markdown table, one a kind."""
        if self.refused:
            return "refused | - | -"
        return " | ".join(f"{self.errors[kind]:.1e}" if kind in self.errors
                          else "-" for kind in KINDS)


def compare(encoder, element, folder, size, expected, worst, refusal=""):
    """Of the frame that `element` ran last, into `worst`; `expected` gives a
    package's numbers, unless `refusal` is in what the encoder says."""
    width, height = size
    found, error = encoder.run(folder, element.tokens_path,
                               height // element.patch_size,
                               width // element.patch_size)
    if refusal:
        if refusal not in (error or ""):
            raise RuntimeError(f"the encoder does not refuse it: {error}")
        worst.refused = True
    elif error:
        raise RuntimeError(f"encoder: {error}")
    else:
        worst.add(found, expected())
