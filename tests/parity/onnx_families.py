#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What examples/export_onnx.py writes, beside the families' own packages.

    onnx_families.py BUILD_FOLDER [NAME...]

Every family of parity.py writes a small checkpoint with random weights.  One export of
it runs the tokens that vitpatchembed makes of frames of three sizes, by ONNX Runtime
and OpenVINO; features, embedding and logits are compared with those of vitencoder, and
with the package in float64 where it takes frames of that size, or of as many whole
patches.  What vitencoder refuses is refused.  Prints a table in Markdown, in each cell
both relative errors; the exit status is 1 where anything is wrong, 77 where a package
is missing.
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


def package_outputs(family, model, size):
    """In float64, or None where the package takes no such frames."""
    frame = parity.normalise(parity.make_frame(*size), family.normalisation, torch.float64)
    try:
        return families.outputs_of(family, model, size, frame)
    except Exception:  # whatever a package may raise
        return None


def compare_size(bench, exported, family, model, folder, size):
    """({runtime: "against vitencoder / against the package"}, whether it is right)"""
    tokens = bench.tokens(folder, parity.make_frame(*size))
    if tokens[0].shape[1] > MAX_TOKENS:
        return dict.fromkeys(bench.runtimes, "-"), True
    made = exported.run(*tokens)
    worst, exact = Worst(bench.runtimes), Worst(bench.runtimes)
    expected = bench.vitencoder(folder, *tokens[1:])
    if sorted(expected) != sorted(exported.kinds):
        raise RuntimeError(f"the export has {exported.kinds}, vitencoder {sorted(expected)}")
    worst.add(made, expected)
    found = package_outputs(family, model, size)
    patch = bench.element.patch_size
    whole = tuple(pixels // patch * patch for pixels in size)
    if found is None and whole != size:
        found = package_outputs(family, model, whole)
        made = exported.run(*bench.tokens(folder, parity.make_frame(*whole)))
    if found is not None:
        exact.add(made, found)
    cells = dict(zip(bench.runtimes, map(" / ".join, zip(
        worst.cells().split(" | "), exact.cells().split(" | ")))))
    return cells, worst.is_right() and (found is None or exact.is_right())


def compare_family(bench, family, folder):
    """(cells, whether it is right)"""
    model = families.randomise(family.build())
    family.save(model, folder)
    if family.refusal:
        try:
            export.make_plan(str(folder))
        except export.Refused as refused:
            said = str(refused).replace(str(folder), "")
            return [f"refused: {said.rpartition(': ')[2]}"], True
        return ["is not refused"], False
    exported = Exported(folder, bench.path, bench.runtimes)
    sizes = list(SIZES)
    if package_outputs(family, model, SIZES[0]) is None:
        sizes.append(family.sizes[0])
    rows, good = [], True
    for size in sizes:
        cells, right = compare_size(bench, exported, family, model, folder, size)
        rows.append(cells)
        good = good and right
    cells = [rows[i][runtime] for runtime in bench.runtimes for i in range(len(SIZES))]
    if len(sizes) > len(SIZES):
        cells.append(f"{sizes[-1][0]} x {sizes[-1][1]}: " + ", ".join(rows[-1].values()))
    return cells, good


def main(build, *names):
    packages, runtimes = parity.import_packages(), onnx_runtimes.installed()
    if not packages or not runtimes:
        print("skipped: there is no package, or no runtime, to compare with")
        return 77
    failed = 0
    columns = [f"{runtime}, {width} x {height}" for runtime in runtimes
               for width, height in SIZES] + ["its own size"]
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
                    cells, good = compare_family(bench, family, folder)
                except Exception as error:  # whatever a package may raise
                    said = " ".join(str(error).split())
                    cells, good = [f"failed: {type(error).__name__}: {said}"], False
                failed += not good
                shutil.rmtree(folder)
                cells += [""] * (len(columns) - len(cells))
                print(f"| {family.name} | {package_name} {package.__version__} | "
                      f"{' | '.join(cells)} |", flush=True)
    print(f"\n{failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
