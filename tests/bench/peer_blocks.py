# SPDX-License-Identifier: MIT
"""The blocks of a Vision Transformer by others, with timm's names of tensors:
peers.py runs them.  Tokens and what comes out of the last block are
[n_tokens][embed_dim]."""

import json
import os
import struct
import sys

import numpy as np

from peer_modules import (as_array, fastest, onnx, onnxruntime,
                          onnxruntime_session, openvino, openvino_request,
                          torch)

HEAD_DIM = 64
EPSILON = 1e-6


class Blocks:
    """Weights and tokens, and what is exact."""

    def __init__(self, folder, tokens, n_tokens):
        with open(os.path.join(folder, "model.safetensors"), "rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(length))
            data = file.read()
        self.tensors = {name: np.frombuffer(
            data[slice(*entry["data_offsets"])], "<f4").reshape(entry["shape"])
            for name, entry in header.items() if name.startswith("blocks.")}
        self.depth = 1 + max(int(name.split(".")[1]) for name in self.tensors)
        self.tokens = np.fromfile(tokens, "<f4").reshape(n_tokens, -1)
        self.dim = self.tokens.shape[1]
        self.heads = self.dim // HEAD_DIM
        self.exact = None
        if torch:
            kept = tokens + ".exact.npy"
            if not os.path.exists(kept):
                np.save(kept, torch_blocks(self, torch.float64)().numpy())
            self.exact = np.load(kept)

    def error(self, found):
        if self.exact is None:
            return "-"
        found = found.reshape(self.exact.shape).astype(np.float64)
        return "%.1e" % (np.linalg.norm(found - self.exact)
                         / np.linalg.norm(self.exact))


def torch_blocks(task, dtype):
    functional = torch.nn.functional
    weights = {name: torch.tensor(values, dtype=dtype)
               for name, values in task.tensors.items()}
    tokens = torch.tensor(task.tokens, dtype=dtype)[None]
    n_tokens, dim, heads = len(task.tokens), task.dim, task.heads

    def block(x, i):
        def norm(name, x):
            return functional.layer_norm(
                x, (dim,), weights[f"blocks.{i}.{name}.weight"],
                weights[f"blocks.{i}.{name}.bias"], EPSILON)

        def linear(name, x):
            return functional.linear(
                x, weights[f"blocks.{i}.{name}.weight"],
                weights[f"blocks.{i}.{name}.bias"])

        qkv = linear("attn.qkv", norm("norm1", x)).view(
            1, n_tokens, 3, heads, HEAD_DIM).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(*qkv)
        x = x + linear("attn.proj", mixed.transpose(1, 2).reshape(
            1, n_tokens, dim))
        hidden = functional.gelu(linear("mlp.fc1", norm("norm2", x)))
        return x + linear("mlp.fc2", hidden)

    def run():
        x = tokens
        for i in range(task.depth):
            x = block(x, i)
        return x[0]

    return run


def torch_arranged(task, dtype, arrange):
    run = torch_blocks(task, dtype)
    # The default compiler takes a C++ compiler, and minutes for twelve blocks.
    return torch.compile(run) if arrange == "compiled" else run


class Graph:
    """An ONNX model that is built a node at a time."""

    def __init__(self):
        self.nodes, self.constants = [], {}

    def node(self, op, *inputs, n=1, **attributes):
        names = [f"x{len(self.nodes)}_{k}" for k in range(n)]
        self.nodes.append(onnx.helper.make_node(op, inputs, names,
                                                **attributes))
        return names[0] if n == 1 else names

    def constant(self, name, values):
        self.constants[name] = np.ascontiguousarray(values)
        return name

    def model(self, result, n_tokens, dim, opset):
        def tensor(name):
            return onnx.helper.make_tensor_value_info(
                name, onnx.TensorProto.FLOAT, [1, n_tokens, dim])

        self.nodes.append(onnx.helper.make_node("Identity", [result],
                                                ["features"]))
        graph = onnx.helper.make_graph(
            self.nodes, "blocks", [tensor("tokens")], [tensor("features")],
            [onnx.numpy_helper.from_array(values, name)
             for name, values in self.constants.items()])
        return onnx.helper.make_model(
            graph, opset_imports=[
                onnx.helper.make_opsetid("", opset),
                onnx.helper.make_opsetid("com.microsoft", 1)],
            ir_version=10).SerializeToString()


def attention(graph, task, arrange, query, key, value):
    """[1][n_tokens][D]"""
    heads = task.heads
    if arrange == "MultiHeadAttention":
        return graph.node("MultiHeadAttention", query, key, value,
                          domain="com.microsoft", num_heads=heads)
    if arrange == "Attention":
        return graph.node("Attention", query, key, value, q_num_heads=heads,
                          kv_num_heads=heads)
    split = graph.constant("split", np.array([1, -1, heads, HEAD_DIM]))
    query, key, value = (
        graph.node("Transpose", graph.node("Reshape", rows, split), perm=perm)
        for rows, perm in ((query, [0, 2, 1, 3]), (key, [0, 2, 3, 1]),
                           (value, [0, 2, 1, 3])))
    scale = graph.constant("scale", np.float32(HEAD_DIM ** -0.5))
    scores = graph.node("MatMul", graph.node("Mul", query, scale), key)
    mixed = graph.node("MatMul", graph.node("Softmax", scores, axis=-1), value)
    return graph.node("Reshape",
                      graph.node("Transpose", mixed, perm=[0, 2, 1, 3]),
                      graph.constant("whole", np.array([1, -1, task.dim])))


def onnx_blocks(task, arrange):
    """The blocks as one graph; `arrange` is how attention is written."""
    graph, x = Graph(), "tokens"

    def tensor(name):
        return graph.constant(name, task.tensors[name])

    def norm(name, x):
        return graph.node("LayerNormalization", x, tensor(name + ".weight"),
                          tensor(name + ".bias"), epsilon=EPSILON)

    def linear(name, x):
        weight = graph.constant(name, task.tensors[name + ".weight"].T)
        return graph.node("Add", graph.node("MatMul", x, weight),
                          tensor(name + ".bias"))

    for i in range(task.depth):
        block = f"blocks.{i}."
        qkv = graph.node("Split", linear(block + "attn.qkv",
                                         norm(block + "norm1", x)),
                         n=3, num_outputs=3, axis=2)
        mixed = attention(graph, task, arrange, *qkv)
        x = graph.node("Add", x, linear(block + "attn.proj", mixed))
        hidden = graph.node("Gelu", linear(block + "mlp.fc1",
                                           norm(block + "norm2", x)))
        x = graph.node("Add", x, linear(block + "mlp.fc2", hidden))
    return graph.model(x, len(task.tokens), task.dim,
                       23 if arrange == "Attention" else 20)


def onnxruntime_peer(task, arrange):
    session = onnxruntime_session(onnx_blocks(task, arrange))
    binding = session.io_binding()
    tokens = np.ascontiguousarray(task.tokens[None])
    output = onnxruntime.OrtValue.ortvalue_from_numpy(np.empty_like(tokens))
    binding.bind_cpu_input("tokens", tokens)
    binding.bind_ortvalue_output("features", output)

    def run():
        session.run_with_iobinding(binding)
        return output

    return run


def openvino_peer(task, arrange, kind):
    request = openvino_request(onnx_blocks(task, arrange), kind)
    tokens = np.ascontiguousarray(task.tokens[None])
    request.set_input_tensor(openvino.Tensor(tokens, shared_memory=True))

    def run():
        request.infer()
        return request.get_output_tensor().data

    return run


def those_that_work(make, arrangements):
    """{arrangement: run}: not every release knows every operator."""
    found = {}
    for arrange in arrangements:
        try:
            found[arrange] = make(arrange)
            found[arrange]()
        except Exception as error:  # whatever a package may raise
            found.pop(arrange, None)
            print(f"{arrange}: {type(error).__name__}: {str(error)[:200]}",
                  file=sys.stderr)
    return found


def precisions():
    """Without instructions for bfloat16 PyTorch takes seconds a frame, and OpenVINO
    computes float32."""
    with open("/proc/cpuinfo", encoding="ascii") as file:
        return ["f32", "bf16"] if "_bf16" in file.read() else ["f32"]


def all_peers(task):
    if torch:
        types = {"f32": torch.float32, "bf16": torch.bfloat16}
        for kind in precisions():
            yield f"PyTorch_{kind}", those_that_work(
                lambda arrange, dtype=types[kind]: torch_arranged(
                    task, dtype, arrange),
                ["eager", "compiled"])
    if onnxruntime:
        yield "ONNX_Runtime_f32", those_that_work(
            lambda arrange: onnxruntime_peer(task, arrange),
            ["MultiHeadAttention", "Attention", "products"])
    if onnxruntime and openvino:
        for kind in precisions():
            yield f"OpenVINO_{kind}", those_that_work(
                lambda arrange, kind=kind: openvino_peer(task, arrange, kind),
                ["Attention", "products"])


def load(folder, tokens, n_tokens):
    """(the task, {name: run}, what peers.py answers)"""
    task = Blocks(folder, tokens, int(n_tokens))
    runs, answer = {}, []
    for name, candidates in all_peers(task):
        if not candidates:
            continue
        arrange, runs[name] = fastest(candidates)
        answer.append("|".join([name, task.error(as_array(runs[name]())),
                                arrange]))
    return task, runs, answer
