# SPDX-License-Identifier: MIT
"""What examples/export_onnx.py wrote, by the runtimes that are installed: ONNX
Runtime and OpenVINO, on the CPU, in float32."""
import sys
from pathlib import Path

import numpy

import encoder

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "examples"))

from onnx_export import checkpoint, export, graph, rotary  # noqa: E402, F401

SIZES = (224, 224), (640, 480), (1280, 720)
# Relative L2.
MAX_ERROR = 1e-5


class OnnxRuntime:
    def __init__(self, path):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(
            path, options, providers=["CPUExecutionProvider"])
        self.names = [output.name for output in self.session.get_outputs()]

    def run(self, inputs):
        return dict(zip(self.names, self.session.run(self.names, inputs)))


class OpenVino:
    def __init__(self, path):
        import openvino

        # Its own choice is bfloat16 where the processor has it.
        self.model = openvino.Core().compile_model(
            path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        # One that was compiled away may have several names.
        self.names = [name for output in self.model.outputs for name in output.names]

    def run(self, inputs):
        found = self.model(inputs)
        return {name: numpy.array(found[name]) for name in self.names}


RUNTIMES = {"ONNX Runtime": OnnxRuntime, "OpenVINO": OpenVino}


def installed():
    """{name: class} of those that can be imported."""
    found = {}
    for name, module in (("ONNX Runtime", "onnxruntime"), ("OpenVINO", "openvino")):
        try:
            __import__(module)
            found[name] = RUNTIMES[name]
        except ImportError as error:
            print(f"not tried: {name}: {error}", file=sys.stderr)
    return found


class Exported:
    """One model, with all that it has to give, unless `options` say otherwise."""

    def __init__(self, model, path, runtimes, **options):
        _, plan = export.make_plan(str(model))
        self.kinds = ["features"] + ["embedding"] * bool(plan.embedding.pool) + [
            "logits"] * bool(plan.logits)
        options = dict({kind: True for kind in self.kinds[1:]}, **options)
        _, self.metadata = export.export(str(model), str(path), **options)
        self.runtimes = {name: kind(str(path)) for name, kind in runtimes.items()}

    def run(self, tokens, rows, columns):
        """{runtime: {output: numbers}}; tokens: [batch][n_tokens][embed_dim]"""
        inputs = dict(tokens=numpy.ascontiguousarray(tokens, numpy.float32),
                      **rotary.positions(self.metadata, rows, columns))
        return {name: runtime.run(inputs) for name, runtime in self.runtimes.items()}


class Worst:
    """The largest errors, one for each runtime."""

    def __init__(self, runtimes):
        self.errors = {name: {} for name in runtimes}

    def add(self, found, expected, kinds=encoder.KINDS):
        """found: as of Exported.run(); expected: {output: numbers}."""
        for name, made in found.items():
            for kind in kinds:
                if kind not in expected:
                    continue
                if made[kind].size != expected[kind].size:
                    raise RuntimeError(f"{name}: {kind} is {made[kind].shape}, expected "
                                       f"{expected[kind].shape}")
                error = encoder.relative_error(made[kind].ravel(), expected[kind].ravel())
                # Not a number is no small error.
                error = error if error >= 0.0 else float("inf")
                self.errors[name][kind] = max(self.errors[name].get(kind, 0.0), error)

    def is_right(self, limit=MAX_ERROR):
        return all(errors and max(errors.values()) <= limit
                   for errors in self.errors.values())

    def cells(self):
        """Of a Markdown table, one a runtime."""
        return " | ".join(f"{max(errors.values()):.1e}" if errors else "-"
                          for errors in self.errors.values())
