#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What examples/export_onnx.py writes gives the features of vitencoder.

    onnx_models.py BUILD_FOLDER [NAME...]

Of the trained DINOv2 and of the models in tests/golden/features, which the families'
packages wrote: one export of each runs the tokens that vitpatchembed makes of frames
of several sizes, by ONNX Runtime and OpenVINO.  Features, embedding and logits are
compared with those of vitencoder, and with the package's own in float64, which lie
there.  Then what no number shows.  Takes onnx, safetensors, numpy and one of the
runtimes; no PyTorch.  Prints a table in Markdown; the exit status is 1 where
anything is wrong, 77 where a package is missing.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path
from unittest import mock

try:
    import numpy
    import safetensors.numpy
    import onnx
    import onnx_runtimes
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

import encoder
from element import Element, make_frame
from onnx_runtimes import MAX_ERROR, ROOT, SIZES, Exported, Worst, checkpoint, export, graph

TRAINED = ROOT / "examples" / "models" / "dinov2-small"
GOLDEN = ROOT / "tests" / "golden"
# Also on the largest frames.
ON_ALL = "dinov2-small", "hf-dinov3-gated", "timm-pe-core"
# Products in float16, on these models.
MAX_HALF_ERROR = 2e-3


class Bench:
    """What makes tokens and features here, and where files may lie."""

    def __init__(self, build, scratch, runtimes):
        self.scratch, self.runtimes = scratch, runtimes
        self.element = Element(build, scratch)
        self.encodes = encoder.Encoder(build, scratch)
        self.path = scratch / "encoder.onnx"

    def tokens(self, model, frame):
        """([1][n_tokens][D], rows, columns)"""
        found, _, error = self.element.run(model, frame)
        if error:
            raise RuntimeError(error)
        patch = self.element.patch_size
        return found[None], frame.shape[0] // patch, frame.shape[1] // patch

    def vitencoder(self, model, rows, columns):
        """Of the tokens that were made last."""
        found, error = self.encodes.run(model, self.element.tokens_path, rows, columns)
        if error:
            raise RuntimeError(error)
        return found


def golden_frame(folder, case):
    path = folder / case["frame"]
    frame = numpy.frombuffer(path.read_bytes(), numpy.uint8)
    return frame.reshape(case["height"], case["width"], 3)


def compare_golden(bench, exported, folder):
    """With what the package computed in float64."""
    worst = Worst(bench.runtimes)
    for case in json.loads((folder / "case.json").read_text())["cases"]:
        made = exported.run(*bench.tokens(folder, golden_frame(folder, case)))
        worst.add(made, {kind: numpy.load(folder / case[kind][0]).astype(numpy.float64)
                         for kind in exported.kinds if kind in case})
    return worst


def compare_model(bench, folder):
    """A row of the table, and whether it is right."""
    exported = Exported(folder, bench.path, bench.runtimes)
    cells, good = [], True
    for size in SIZES:
        if size == SIZES[-1] and folder.name not in ON_ALL:
            cells.append(" | ".join("-" for _ in bench.runtimes))
            continue
        tokens = bench.tokens(folder, make_frame(*size))
        expected = bench.vitencoder(folder, *tokens[1:])
        if sorted(expected) != sorted(exported.kinds):
            raise RuntimeError(f"the export has {exported.kinds}, vitencoder "
                               f"{sorted(expected)}")
        worst = Worst(bench.runtimes)
        worst.add(exported.run(*tokens), expected)
        good = good and worst.is_right()
        cells.append(worst.cells())
    if (folder / "case.json").exists():
        worst = compare_golden(bench, exported, folder)
        good = good and worst.is_right()
        cells.append(worst.cells())
    else:
        cells.append(" | ".join("-" for _ in bench.runtimes))
    return " | ".join(cells), good


def compare_models(bench, names):
    columns = [f"{width} x {height}" for width, height in SIZES] + ["package, float64"]
    columns = [f"{column}, {runtime}" for column in columns for runtime in bench.runtimes]
    print(f"| model | {' | '.join(columns)} |\n|---|" + "---|" * len(columns))
    failed = 0
    for folder in [TRAINED] + sorted((GOLDEN / "features").iterdir()):
        if names and not any(name in folder.name for name in names):
            continue
        try:
            row, good = compare_model(bench, folder)
        except Exception as error:  # whatever a package may raise
            row, good = f"failed: {type(error).__name__}: {error}", False
        failed += not good
        print(f"| {folder.name} | {row} |", flush=True)
    return failed


def check_command(bench):
    """The command itself, and what it says to GStreamer."""
    path = bench.scratch / "command.onnx"
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "export_onnx.py"), str(TRAINED), str(path),
         "--layers", "12,6", "--embedding"], capture_output=True, text=True, check=True)
    assert "12 blocks of 384 channels, 6 heads" in done.stdout, done.stdout
    model = onnx.load(str(path), load_external_data=False)
    assert [(output.name, [d.dim_param or d.dim_value for d in output.type.tensor_type.shape.dim])
            for output in model.graph.output] == [
        ("features", ["batch", "n_tokens", 384]), ("features_6", ["batch", "n_tokens", 384]),
        ("features_12", ["batch", "n_tokens", 384]), ("embedding", ["batch", 384])]
    # A file that moves takes its weights with it, by their name alone.
    for end in "onnx", "onnx.data":
        (bench.scratch / "moved").mkdir(exist_ok=True)
        shutil.move(str(path.with_name(f"command.{end}")), bench.scratch / "moved")
    onnx.checker.check_model(str(bench.scratch / "moved" / "command.onnx"))
    sections = path.with_name("command.onnx.modelinfo").read_text().split("\n\n")
    sample = (ROOT / "examples/models/vit-encoder.onnx.modelinfo").read_text()
    for section in ("[tokens]", "[features]"):
        found, = (text.strip() for text in sections if text.strip().startswith(section))
        assert found in sample, found


def check_positions(bench):
    """cos and sin of a grid, by hand for one patch, and none where none are taken."""
    path = bench.scratch / "rotary.onnx"
    command = [sys.executable, str(ROOT / "examples" / "export_onnx.py")]
    subprocess.run(command + [str(GOLDEN / "features" / "hf-dinov3-gated"), str(path),
                              "--positions", "7x12"], capture_output=True, check=True)
    made = numpy.load(path.with_name("rotary.7x12.npz"))
    # Row 2, column 11; base 100, so that a head of 24 has frequencies 100^(-j / 6).
    angles = numpy.concatenate([
        2 * numpy.pi * ((i + 0.5) / n * 2 - 1) * 100.0 ** (-numpy.arange(6) / 6)
        for i, n in ((2, 7), (11, 12))] * 2)
    for name, function in (("cos", numpy.cos), ("sin", numpy.sin)):
        assert made[name].shape == (7 * 12, 24) and made[name].dtype == numpy.float32
        assert numpy.abs(made[name][2 * 12 + 11] - function(angles)).max() <= 1e-6
    done = subprocess.run(
        command + [str(GOLDEN / "features" / "hf-mae"), str(path), "--positions", "7x12"],
        capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "takes no rotary positions" in done.stderr, done


def check_layers(bench):
    """After a block as the package has it: raw, and of a backbone normed."""
    name = "hf-dinov2-with-registers"
    folder = GOLDEN / "features" / name
    case, = json.loads((folder / "case.json").read_text())["cases"][:1]
    tokens = bench.tokens(folder, golden_frame(folder, case))
    backbone = forge(bench, name, change={"architectures": ["Dinov2WithRegistersBackbone"]})
    for model, golden in ((folder, "224x224.block1.npy"), (backbone, "224x224.normed1.npy")):
        worst = Worst(bench.runtimes)
        made = Exported(model, bench.path, bench.runtimes, layers=[1, 2]).run(*tokens)
        expected = numpy.load(folder / golden)
        # A backbone gives the patches alone.
        worst.add({name: {"features_1": outputs["features_1"][0, -len(expected):]}
                   for name, outputs in made.items()}, {"features_1": expected},
                  ["features_1"])
        assert worst.is_right(), (golden, worst.errors)
        for name, outputs in made.items():
            assert (outputs["features_2"] == outputs["features"]).all(), name


def check_batch(bench):
    """Two frames at once are each what it is alone; other numbers of patches, too."""
    folder = GOLDEN / "features" / "hf-dinov3-gated"
    exported = Exported(folder, bench.path, bench.runtimes)
    made = []
    for seed in range(2):
        frame = numpy.random.default_rng(seed).integers(0, 256, (96, 160, 3), numpy.uint8)
        tokens, *grid = bench.tokens(folder, frame)
        made.append((tokens, exported.run(tokens, *grid)))
    both = exported.run(numpy.concatenate([tokens for tokens, _ in made]), *grid)
    for name, outputs in both.items():
        for kind in exported.kinds:
            alone = numpy.concatenate([found[name][kind] for _, found in made])
            assert encoder.relative_error(outputs[kind], alone) <= 1e-6, (name, kind)


def check_half(bench):
    """In float16, where one channel of the sum is past what that can hold."""
    folder = TRAINED
    whole = Exported(folder, bench.path, bench.runtimes)
    half = Exported(folder, bench.scratch / "half.onnx", bench.runtimes, half=True)
    sizes = [(bench.scratch / f"{name}.onnx.data").stat().st_size
             for name in ("encoder", "half")]
    assert sizes[1] < 0.51 * sizes[0], sizes
    tokens, *grid = bench.tokens(folder, make_frame(224, 224))
    large = tokens.copy()
    large[:, :, 7] += 1e5
    for given in (tokens, large):
        expected = whole.run(given, *grid)
        worst = Worst(bench.runtimes)
        for name, made in half.run(given, *grid).items():
            worst.add({name: made}, expected[name])
        print(f"float16, of float32: {worst.cells()}")
        assert worst.is_right(MAX_HALF_ERROR), worst.errors
    model = onnx.load(str(bench.scratch / "half.onnx"), load_external_data=False)
    made_by = {name: node.op_type for node in model.graph.node for name in node.output}
    added = [node for node in model.graph.node if node.op_type == "LayerNormalization"
             and made_by.get(node.input[0]) == "Cast"]
    assert not added, "a norm takes what was cast"


def check_shards(bench):
    """The same from shards, and from bfloat16."""
    import ml_dtypes

    folder = GOLDEN / "features" / "openclip-quickgelu"
    tokens = bench.tokens(folder, make_frame(224, 224))
    expected = Exported(folder, bench.path, bench.runtimes).run(*tokens)
    weights = safetensors.numpy.load_file(folder / "open_clip_model.safetensors")
    shards = bench.scratch / "shards"
    shards.mkdir()
    shutil.copy(folder / "open_clip_config.json", shards)
    names = sorted(weights)
    files = {"a.safetensors": names[::2], "b.safetensors": names[1::2]}
    for file, held in files.items():
        safetensors.numpy.save_file(
            {name: weights[name].astype(ml_dtypes.bfloat16) if "mlp" in name
             else weights[name] for name in held}, shards / file)
    (shards / "model.safetensors.index.json").write_text(json.dumps(
        {"weight_map": {name: file for file, held in files.items() for name in held}}))
    found = Exported(shards, bench.path, bench.runtimes).run(*tokens)
    for name, made in found.items():
        error = encoder.relative_error(made["features"], expected[name]["features"])
        assert 1e-5 < error < 1e-2, (name, error)


def check_bfloat16(bench):
    """Only tensors of bfloat16 take ml_dtypes."""
    import ml_dtypes

    name = "head"
    path = bench.scratch / "bfloat16.safetensors"
    values = numpy.linspace(-1.0, 1.0, 6, dtype=numpy.float32)
    safetensors.numpy.save_file(
        {"whole": values, name: values.astype(ml_dtypes.bfloat16)}, path)
    opened = checkpoint.Checkpoint(str(path))
    with mock.patch.dict(sys.modules, ml_dtypes=None):
        assert (opened.read("whole") == values).all()
        try:
            raise AssertionError(f"read {opened.read(name)}")
        except export.Refused as refused:
            assert "takes the Python package ml_dtypes" in str(refused), refused
    assert numpy.abs(opened.read(name) - values).max() <= 1 / 256
    # From the start: an interpreter in which it is not.
    subprocess.run(
        [sys.executable, "-c", "import sys; sys.modules['ml_dtypes'] = None; "
         "from onnx_export import checkpoint; "
         f"checkpoint.Checkpoint({str(path)!r}).read('whole')"],
        cwd=ROOT / "examples", check=True)


def check_constants(bench):
    """A number and integers that are equal to Python are two tensors."""
    with graph.Graph(str(bench.scratch / "constants.onnx"), half=True) as made:
        for value in (0, 1):
            integers = made.integers(value, 0), made.integers(value, 1)
            scalars = made.scalar(float(value)), made.scalar(float(value), half=True)
            assert len({*integers, *scalars}) == 4, (integers, scalars)
        assert len(made.initializers) == 8, made.initializers
        assert made.scalar(1.0) == scalars[0] and made.integers(1, 0) == integers[0]


def refusal(model, scratch, **options):
    try:
        export.export(str(model), str(scratch / "refused.onnx"), **options)
    except export.Refused as refused:
        return str(refused)
    raise AssertionError(f"{model} was exported")


def forge(bench, name, add=None, change=None):
    """A model of tests/golden/features with another tensor, or another config:
    `change` is what its root gets."""
    folder = bench.scratch / f"forged-{len(list(bench.scratch.glob('forged-*')))}"
    shutil.copytree(GOLDEN / "features" / name, folder)
    if add:
        path = folder / "model.safetensors"
        weights = safetensors.numpy.load_file(path)
        weights.update(add(weights))
        safetensors.numpy.save_file(weights, path)
    if change:
        path = folder / "config.json"
        if not path.exists():
            path = folder / "open_clip_config.json"
        config = json.loads(path.read_text())
        config.update(change)
        path.write_text(json.dumps(config))
    return folder


# What no config can say: the model, what its config gets, and words of the refusal.
CONFIGS = (
    ("hf-vit-classifier", {"num_attention_heads": 0}, "num_attention_heads is 0; expected 1"),
    ("hf-vit-classifier", {"num_attention_heads": -3}, "num_attention_heads is -3; expected"),
    ("hf-vit-classifier", {"num_attention_heads": 2**31}, "heads is 2147483648; expected"),
    ("hf-vit-classifier", {"model_type": ["vit"]}, "model_type is ['vit'], which"),
    ("hf-vit-classifier", {"architectures": {}}, "architectures is {}, which"),
    ("hf-vit-classifier", {"layer_norm_eps": -1}, "layer_norm_eps is -1; expected a number"),
    ("hf-vit-classifier", {"layer_norm_eps": 1.5}, "layer_norm_eps is 1.5; expected a number"),
    ("hf-vit-classifier", {"layer_norm_eps": float("nan")}, "layer_norm_eps is nan"),
    ("hf-vit-classifier", {"model_type": "clip", "vision_config": {"model_type": ["vit"]}},
     "model_type is ['vit'], which"),
    ("hf-aimv2", {"rms_norm_eps": 0}, "rms_norm_eps is 0; expected a number above 0"),
    ("hf-dinov3-gated", {"rope_theta": 0}, "rope_theta is 0; expected a number above 1"),
    ("hf-dinov3-gated", {"rope_theta": -100.0}, "rope_theta is -100.0; expected a number"),
    ("hf-dinov3-gated", {"rope_parameters": {"rope_theta": 2e9}}, "at most 1e+09"),
    ("timm-siglip", {"model_args": {"num_heads": -1}}, "num_heads is -1; expected 1 to"),
    ("timm-siglip", {"model_args": {"attn_pool_num_heads": 0, "num_heads": 5}},
     "attn_pool_num_heads is 0; expected 1 to"),
    ("timm-siglip", {"architecture": 1}, "architecture is 1, which it cannot be"),
    ("openclip-quickgelu", {"model_cfg": "x"}, "model_cfg is 'x', which it cannot be"),
    ("openclip-quickgelu", {"model_cfg": {"vision_cfg": "x"}}, "vision_cfg is 'x', which"),
    ("openclip-quickgelu", {"model_cfg": {"vision_cfg": {"head_width": 0}}},
     "head_width is 0; expected 1 to"),
    ("openclip-quickgelu", {"model_cfg": {"vision_cfg": {"head_width": 4096}}},
     "head_width is 4096, but width is 64"),
    ("openclip-quickgelu", {"model_cfg": {"vision_cfg": {"norm_kwargs": {"eps": 0}}}},
     "eps is 0; expected a number above 0"),
)


def check_refusals(bench):
    """By name; nothing is left behind, and an export that was there still runs."""
    kept = GOLDEN / "features" / "hf-mae"
    tokens = bench.tokens(kept, make_frame(224, 224))
    path = bench.scratch / "refused.onnx"
    expected = Exported(kept, path, bench.runtimes).run(*tokens)
    left = {file.name: file.read_bytes() for file in bench.scratch.glob("refused.onnx*")}
    name = "hf-vit-classifier"
    block = "vit.encoder.layer.1.attention.attention.query.weight"
    said = {
        "windows and relative positions": refusal(GOLDEN / "hf-sam", bench.scratch),
        "an input stage alone": refusal(GOLDEN / "hf-clip", bench.scratch),
        "blocks 1 to 2": refusal(GOLDEN / "features" / name, bench.scratch, layers=[3]),
        "no embedding": refusal(GOLDEN / "features" / "hf-internvl-qknorm", bench.scratch,
                                embedding=True),
        "no classifier": refusal(GOLDEN / "features" / "hf-mae", bench.scratch, logits=True),
        "none of a plain ViT's": refusal(forge(bench, name, lambda weights: {
            block.replace("query.weight", "rel_pos"): weights[block]}), bench.scratch),
        "but block 0 has no such": refusal(forge(bench, name, lambda weights: {
            "vit.encoder.layer.1.lambda_1": weights[block][0]}), bench.scratch),
        "not finite": refusal(forge(bench, name, lambda weights: {
            block: weights[block] * numpy.float32("nan")}), bench.scratch),
        "tensors beside it make it": refusal(forge(bench, name, lambda weights: {
            block: weights[block][:-1]}), bench.scratch),
        "its blocks are not known": refusal(
            forge(bench, name, change={"model_type": "swin"}), bench.scratch),
        "hidden_act is \"relu\"": refusal(
            forge(bench, name, change={"hidden_act": "relu"}), bench.scratch),
        "has 7 heads": refusal(
            forge(bench, name, change={"num_attention_heads": 7}), bench.scratch),
        "quantised": refusal(
            forge(bench, name, change={"quantization_config": {}}), bench.scratch),
        "run side by side": refusal(
            forge(bench, "timm-siglip", change={"architecture": "vit_base_patch16_xp_1"}),
            bench.scratch),
    }
    for words, text in said.items():
        assert words in text, text
    for name, change, words in CONFIGS:
        text = refusal(forge(bench, name, change=change), bench.scratch)
        assert words in text, text
    for failure in (MemoryError, KeyboardInterrupt):
        with mock.patch("onnx_export.graph.Graph.save", side_effect=failure):
            try:
                export.export(str(GOLDEN / "features" / "hf-ijepa"), str(path))
            except failure:
                pass
    assert left == {file.name: file.is_file() and file.read_bytes()
                    for file in bench.scratch.glob("refused.onnx*")}
    assert sorted(left) == ["refused.onnx", "refused.onnx.data", "refused.onnx.modelinfo"]
    for name, kind in bench.runtimes.items():
        made = kind(str(path)).run({"tokens": tokens[0]})
        error = encoder.relative_error(made["features"], expected[name]["features"])
        assert error <= 1e-6, (name, error)


def check_hostile(bench):
    """Of files that no tool wrote it is said what is wrong, and no pipe is waited for."""
    name, patches = "hf-vit-classifier", "vit.embeddings.patch_embeddings.projection.weight"
    said = refusal(forge(bench, name, lambda weights: {
        patches: numpy.ones((), numpy.float32)}), bench.scratch)
    assert "no patch weight is" in said, said
    deep = forge(bench, name)
    (deep / "config.json").write_text("[" * 100000)
    assert "recursion" in refusal(deep, bench.scratch)
    for file in ("config.json", "model.safetensors"):
        model = forge(bench, name)
        (model / file).unlink()
        os.mkfifo(model / file)
        said = refusal(model, bench.scratch)
        assert "no regular" in said and file in said, said
    sharded = forge(bench, name)
    index = sharded / "model.safetensors.index.json"
    (sharded / "model.safetensors").unlink()
    for shard, words in ((["a"], "is no file in its folder"), ("../a", "is no file in its"),
                         ("", "is missing, or no regular file")):
        index.write_text(json.dumps({"weight_map": {patches: shard}}))
        said = refusal(sharded, bench.scratch)
        assert words in said, said
    index.write_text(json.dumps({"weight_map": [patches]}))
    assert "no weight_map can be read" in refusal(sharded, bench.scratch)


CHECKS = (check_command, check_positions, check_layers, check_batch, check_half,
          check_shards, check_bfloat16, check_constants, check_refusals, check_hostile)


def main(build, *names):
    runtimes = onnx_runtimes.installed()
    if not runtimes:
        print("skipped: neither onnxruntime nor openvino is installed")
        return 77
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(build, Path(scratch), runtimes)
        failed = compare_models(bench, names)
        print()
        for check in () if names else CHECKS:
            try:
                check(bench)
                print(f"ok: {check.__doc__}", flush=True)
            except Exception:  # whatever a package may raise
                traceback.print_exc()
                print(f"failed: {check.__doc__}", flush=True)
                failed += 1
    print(f"\n{failed} failed, of relative L2 at most {MAX_ERROR:g}")
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
