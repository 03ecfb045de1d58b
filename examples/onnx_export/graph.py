# SPDX-License-Identifier: MIT
"""An ONNX graph that is built a node at a time, and its weights, which go to a file
beside it as they come, so that no model need fit into memory twice."""
import os
import shutil
import tempfile

import numpy
import onnx
from onnx import TensorProto, helper

OPSET = 20  # the first with Gelu
IR_VERSION = 9  # that belongs to it
if onnx.defs.onnx_opset_version() < OPSET:
    raise ImportError(f"onnx {onnx.__version__} knows no opset {OPSET}")
# So that a runtime can map them.
ALIGNMENT = 4096
# Smaller ones stand in the .onnx itself, where shapes are looked for.
EXTERNAL_BYTES = 1024
HALF_MAX = float(numpy.finfo(numpy.float16).max)


class Graph:
    """`half`: the weights that products take, and what they make, are float16.

    Everything is written into a folder beside `path`, under the names that it will
    have, and moved to `path` by replace(): until then what is there stays.  As a
    context it leaves nothing of that folder, whatever happens."""

    def __init__(self, path, half):
        self.path, self.half = path, half
        self.scope = ""  # what names of nodes begin with
        self.nodes, self.initializers, self.inputs, self.outputs = [], [], [], []
        self._integers, self._scalars = {}, {}  # one would take (0.0, False) for (0, 0)
        folder, name = os.path.split(os.path.abspath(path))
        self.data_name = name + ".data"
        self._part = tempfile.mkdtemp(prefix=name + ".", suffix=".part", dir=folder)
        self.part_path = os.path.join(self._part, name)
        self._data = open(self.part_path + ".data", "wb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._data.close()
        shutil.rmtree(self._part)

    def input(self, name, shape):
        self.inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
        return name

    def output(self, name, value, shape):
        self.nodes.append(helper.make_node("Identity", [value], [name], name=name))
        self.outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))

    def node(self, kind, *inputs, n=1, **attributes):
        """The name of what it makes, or n names."""
        name = f"{self.scope}{kind}_{len(self.nodes)}"
        made = [name] if n == 1 else [f"{name}_{i}" for i in range(n)]
        self.nodes.append(helper.make_node(kind, inputs, made, name=name, **attributes))
        return made[0] if n == 1 else made

    def _store(self, name, values):
        data = numpy.ascontiguousarray(values)
        kind = helper.np_dtype_to_tensor_dtype(data.dtype)
        tensor = TensorProto(name=name, data_type=kind, dims=data.shape)
        if data.nbytes < EXTERNAL_BYTES:
            tensor.raw_data = data.tobytes()
        else:
            self._data.write(bytes(-self._data.tell() % ALIGNMENT))
            tensor.data_location = TensorProto.EXTERNAL
            for key, value in (("location", self.data_name),
                               ("offset", self._data.tell()), ("length", data.nbytes)):
                tensor.external_data.add(key=key, value=str(value))
            self._data.write(data.data)
        self.initializers.append(tensor)
        return name

    def weight(self, name, values):
        """float32 whatever `half` says."""
        return self._store(self.scope + name, values.astype("<f4"))

    def product_weight(self, name, values):
        """In the precision of products."""
        if not self.half:
            return self.weight(name, values)
        largest = numpy.abs(values).max(initial=0.0)
        if largest > HALF_MAX:
            raise ValueError(f"{self.scope}{name} reaches {largest:g}, which float16 "
                             "cannot hold")
        return self._store(self.scope + name, values.astype("<f2"))

    def integers(self, *values):
        if values not in self._integers:
            name = "integers_" + "_".join(str(value).replace("-", "m") for value in values)
            self._integers[values] = self._store(name, numpy.array(values, "<i8"))
        return self._integers[values]

    def scalar(self, value, half=False):
        """`half`: in the precision of products."""
        half = half and self.half
        if (value, half) not in self._scalars:
            name = f"scalar_{len(self._scalars)}"
            self._scalars[value, half] = self._store(
                name, numpy.array(value, "<f2" if half else "<f4"))
        return self._scalars[value, half]

    def to_products(self, value):
        return self.node("Cast", value, to=TensorProto.FLOAT16) if self.half else value

    def from_products(self, value):
        return self.node("Cast", value, to=TensorProto.FLOAT) if self.half else value

    def linear(self, name, value, weight, bias=None, half=True):
        """weight: [n_outputs][n_inputs], float64; bias: [n_outputs]."""
        store = self.product_weight if half else self.weight
        made = self.node("MatMul", value, store(name + ".weight", weight.T))
        if bias is None:
            return made
        return self.node("Add", made, store(name + ".bias", bias))

    def norm(self, name, value, weight, bias, epsilon, rms):
        """Over the last axis, in float32."""
        weight = self.weight(name + ".weight", weight)
        bias = () if bias is None else (self.weight(name + ".bias", bias),)
        if not rms:
            return self.node("LayerNormalization", value, weight, *bias, epsilon=epsilon)
        squares = self.node("ReduceMean", self.node("Mul", value, value),
                            self.integers(-1), keepdims=1)
        length = self.node("Sqrt", self.node("Add", squares, self.scalar(epsilon)))
        made = self.node("Mul", self.node("Div", value, length), weight)
        return self.node("Add", made, *bias) if bias else made

    def activate(self, kind, value, half=True):
        if kind == "gelu":
            return self.node("Gelu", value)
        if kind == "gelu_tanh":
            return self.node("Gelu", value, approximate="tanh")
        inner = value
        if kind == "quick_gelu":
            inner = self.node("Mul", value, self.scalar(1.702, half))
        return self.node("Mul", value, self.node("Sigmoid", inner))

    def save(self, metadata):
        """At part_path."""
        self._data.close()
        graph = helper.make_graph(self.nodes, "encoder", self.inputs, self.outputs,
                                  self.initializers)
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION,
            producer_name="gst-vit")
        helper.set_model_props(model, metadata)
        onnx.save_model(model, self.part_path)
        onnx.checker.check_model(self.part_path, full_check=True)

    def replace(self):
        """Moves what lies in the folder to where it belongs."""
        for name in os.listdir(self._part):
            os.replace(os.path.join(self._part, name),
                       os.path.join(os.path.dirname(self._part), name))
