#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What examples/export_onnx.py writes, beside the families' own packages.

    onnx_families.py BUILD_FOLDER [NAME...]

Every family of parity.py writes a small checkpoint with random weights.  One export of
it runs the tokens that vitpatchembed makes of frames of three sizes, by ONNX Runtime
and OpenVINO; features, embedding and logits are compared with those of vitencoder, and
with the package in float64 where it takes frames of that size, or of as many whole
patches; where it takes none of the three sizes, on its own.  What vitencoder refuses is
refused.  Prints a table in Markdown, in each cell the worse of both relative errors,
with a star where it is against vitencoder alone; the exit status is 1 where anything is
wrong or a family was never compared with its package, 77 where a package is missing.
"""
import shutil
import sys
import tempfile
from pathlib import Path

import parity

import torch

import families

try:
    import onnx_runtimes
    from onnx_models import Bench
    from onnx_runtimes import SIZES, Exported, Worst, export
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

# Of more, what PyTorch computes in float64 takes gigabytes.
MAX_TOKENS = 6000


class Outputs:
    """What the package makes of frames, in float64."""

    def __init__(self, family, model):
        self.family, self.model = family, model
        self.compared = 0  # how many frames' outputs were
        self.error = "none of its frames was small enough"  # why the last was not

    def of(self, size):
        """Or None where the package takes no such frames."""
        frame = parity.normalise(
            parity.make_frame(*size), self.family.normalisation, torch.float64)
        try:
            return families.outputs_of(self.family, self.model, size, frame)
        except Exception as error:  # whatever a package may raise
            self.error = f"{type(error).__name__}: {' '.join(str(error).split())}"
            return None


def compare_size(bench, exported, outputs, folder, size):
    """({runtime: cell}, whether it is right)"""
    tokens = bench.tokens(folder, parity.make_frame(*size))
    if tokens[0].shape[1] > MAX_TOKENS:
        return dict.fromkeys(bench.runtimes, "-"), True
    made = exported.run(*tokens)
    worst = Worst(bench.runtimes)
    expected = bench.vitencoder(folder, *tokens[1:])
    if sorted(expected) != sorted(exported.kinds):
        raise RuntimeError(f"the export has {exported.kinds}, vitencoder {sorted(expected)}")
    worst.add(made, expected)
    found = outputs.of(size)
    patch = bench.element.patch_size
    whole = tuple(pixels // patch * patch for pixels in size)
    if found is None and whole != size:
        found = outputs.of(whole)
        made = exported.run(*bench.tokens(folder, parity.make_frame(*whole)))
    star = "*"
    if found is not None:
        if sorted(found) != sorted(exported.kinds):
            raise RuntimeError(f"the export has {exported.kinds}, the package "
                               f"{sorted(found)}")
        worst.add(made, found)
        outputs.compared += 1
        star = ""
    cells = [cell + star for cell in worst.cells().split(" | ")]
    return dict(zip(bench.runtimes, cells)), worst.is_right()


def compare_family(bench, family, folder):
    """(cells, those of its own size or None, whether it is right)"""
    model = families.randomise(family.build())
    family.save(model, folder)
    if family.refusal:
        try:
            export.make_plan(str(folder))
        except export.Refused as refused:
            said = str(refused).replace(str(folder), "")
            return [f"refused: {said.rpartition(': ')[2]}"], None, True
        return ["is not refused"], None, False
    exported = Exported(folder, bench.path, bench.runtimes)
    outputs = Outputs(family, model)
    rows, own, good = [], None, True
    for size in SIZES:
        cells, right = compare_size(bench, exported, outputs, folder, size)
        rows.append(cells)
        good = good and right
    if not outputs.compared:
        size = family.sizes[0]
        cells, right = compare_size(bench, exported, outputs, folder, size)
        own = f"{family.name}, {size[0]} x {size[1]}: " + ", ".join(
            f"{cell} by {runtime}" for runtime, cell in cells.items())
        good = good and right
    if not outputs.compared:
        return [f"was not compared with its package: {outputs.error}"], None, False
    return [row[runtime] for runtime in bench.runtimes for row in rows], own, good


def main(build, *names):
    packages, runtimes = parity.import_packages(), onnx_runtimes.installed()
    if not packages or not runtimes:
        print("skipped: there is no package, or no runtime, to compare with")
        return 77
    failed = 0
    sizes = [f"{width} x {height}" for width, height in SIZES]
    columns = [column for runtime in runtimes
               for column in [f"{runtime}, {sizes[0]}"] + sizes[1:]]
    owns = []
    print(f"| family | package | {' | '.join(columns)} |\n|---|---|" + "---|" * len(columns))
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(build, Path(scratch), runtimes)
        for package_name, package in packages.items():
            for family in parity.PACKAGES[package_name].families(package):
                known_as = f"{package_name}: {family.name}"
                if names and not any(name in known_as for name in names):
                    continue
                folder = Path(scratch) / "model"
                folder.mkdir()
                try:
                    cells, own, good = compare_family(bench, family, folder)
                except Exception as error:  # whatever a package may raise
                    said = " ".join(str(error).split())
                    cells, own = [f"failed: {type(error).__name__}: {said}"], None
                    good = False
                failed += not good
                owns += [own] if own else []
                shutil.rmtree(folder)
                cells += [""] * (len(columns) - len(cells))
                print(f"| {family.name} | {package_name} {package.__version__} | "
                      f"{' | '.join(cells)} |", flush=True)
    print("".join(f"\n{own}" for own in owns) + f"\n{failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
