# SPDX-License-Identifier: MIT
"""The same tokens by others, timed when table.py asks: a line in, a line out.

    peers.py THREADS

    versions                          of what is installed
    load W H MODEL RGB I420           NAME|ERROR|ERROR|NOTE of each peer: its
                                      error on RGB bytes, and on I420 converted
    positions MODEL ROWS COLS         ok, or - without torch
    blocks FOLDER TOKENS N            NAME|ERROR|NOTE of each peer: peer_blocks.py
    error FILE                        of what others made of those tokens
    forget                            ok: frees what `load` and `blocks` hold
    time NAME                         seconds a frame

A peer takes RGB bytes [H][W][3] and gives tokens [n_patches][embed_dim]; 1/255,
mean and std are folded into its weights, so that it does no more than it must.
"""

import json
import os
import struct
import sys

import numpy as np

import peer_blocks
from peer_modules import (THREADS, as_array, fastest, onnx, onnxruntime,
                          onnxruntime_session, openvino, openvino_request,
                          timed, torch)

PATCH = 16
MEAN = np.array([0.485, 0.456, 0.406])
STD = np.array([0.229, 0.224, 0.225])


def read_model(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    return {name: np.frombuffer(
        data[slice(*entry["data_offsets"])], "<f4").reshape(entry["shape"])
        for name, entry in header.items()}


def cubic(distance):
    """Keys' kernel, a = -0.75, as torch's bicubic has it."""
    x, a = np.abs(distance), -0.75
    return np.where(x <= 1, ((a + 2) * x - (a + 3)) * x * x + 1,
                    np.where(x < 2, (((x - 5) * x + 8) * x - 4) * a, 0))


def resampling(n, size):
    """[size][n]"""
    centre = (np.arange(size) + 0.5) * n / size - 0.5
    matrix = np.zeros((size, n))
    for tap in range(-1, 3):
        at = np.floor(centre).astype(int) + tap
        np.add.at(matrix, (np.arange(size), np.clip(at, 0, n - 1)),
                  cubic(centre - at))
    return matrix


def i420_to_rgb(raw, width, height):
    """BT.709, narrow range, in real numbers; [H][W][3] in [0,255]."""
    luma = raw[:width * height].reshape(height, width).astype(np.float64)
    chroma = raw[width * height:width * height * 3 // 2].reshape(
        2, height // 2, width // 2).astype(np.float64)
    cb, cr = chroma.repeat(2, axis=1).repeat(2, axis=2) - 128
    luma = (luma - 16) * 255 / 219
    kr, kb = 0.2126, 0.0722
    red = luma + 2 * (1 - kr) * cr * 255 / 224
    blue = luma + 2 * (1 - kb) * cb * 255 / 224
    green = (luma - kr * red - kb * blue) / (1 - kr - kb)
    return np.stack([red, green, blue], axis=-1).clip(0, 255)


class Task:
    """Weights and frame; everything exact is in float64."""

    def __init__(self, width, height, model, rgb, i420):
        tensors = read_model(model)
        self.rows, self.cols = height // PATCH, width // PATCH
        weight = tensors["patch_embed.proj.weight"].astype(np.float64)
        self.dim = len(weight)
        self.weight = weight / (255 * STD)[:, None, None]  # [D][3][P][P]
        self.bias = (tensors["patch_embed.proj.bias"]
                     - np.einsum("dcyx,c->d", weight, MEAN / STD))
        table = tensors["pos_embed"][0, 1:].astype(np.float64)
        table = table.reshape(37, 37, self.dim)
        positions = np.einsum("ij,jkd,lk->ild", resampling(37, self.rows),
                              table, resampling(37, self.cols), optimize=True)
        self.add = positions.reshape(-1, self.dim) + self.bias
        self.frame = np.fromfile(rgb, np.uint8).reshape(height, width, 3)
        self.tokens = self.exact(self.frame)
        self.i420_tokens = self.exact(
            i420_to_rgb(np.fromfile(i420, np.uint8), width, height))

    def patches(self, frame):
        """[n_patches][P P 3]"""
        frame = frame[:self.rows * PATCH, :self.cols * PATCH]
        return frame.reshape(self.rows, PATCH, self.cols, PATCH, 3).transpose(
            0, 2, 1, 3, 4).reshape(self.rows * self.cols, -1)

    def matrix(self):
        """[P P 3][D], of patches()."""
        return self.weight.transpose(2, 3, 1, 0).reshape(-1, self.dim)

    def exact(self, frame):
        return self.patches(frame.astype(np.float64)) @ self.matrix() + self.add

    def errors(self, found):
        found = found.reshape(-1, self.dim).astype(np.float64)
        return ["%.1e" % (np.linalg.norm(found - tokens)
                          / np.linalg.norm(tokens))
                for tokens in (self.tokens, self.i420_tokens)]


def torch_conv(task, dtype, channels_last):
    frame = torch.from_numpy(task.frame)
    weight = torch.tensor(task.weight, dtype=dtype)
    bias = torch.tensor(task.bias, dtype=dtype)
    positions = torch.tensor(task.add - task.bias, dtype=dtype)
    if channels_last:
        weight = weight.to(memory_format=torch.channels_last)

    def run():
        # Bytes lie as channels_last does.
        image = frame.permute(2, 0, 1)[None].to(dtype)
        if not channels_last:
            image = image.contiguous()
        tokens = torch.nn.functional.conv2d(image, weight, bias, stride=PATCH)
        return (tokens.flatten(2).transpose(1, 2)[0] + positions)

    return run


def torch_product(task, dtype, arrange):
    rows, cols, dim = task.rows, task.cols, task.dim
    frame = torch.from_numpy(task.frame)[:rows * PATCH, :cols * PATCH]
    patches = frame.unflatten(1, (cols, PATCH)).unflatten(
        0, (rows, PATCH)).permute(0, 2, 1, 3, 4)
    matrix = torch.tensor(np.ascontiguousarray(task.matrix()), dtype=dtype)
    transposed = matrix.t().contiguous()
    add = torch.tensor(task.add, dtype=dtype)
    packed = torch.empty((rows, cols, PATCH, PATCH, 3), dtype=dtype)
    flat = packed.view(rows * cols, -1)
    squeezed = torch.empty((rows, cols, PATCH, PATCH, 3), dtype=torch.uint8)
    tokens = torch.empty((rows * cols, dim), dtype=dtype)

    def pack_at_once():
        packed.copy_(patches)

    def pack_bytes_first():
        squeezed.copy_(patches)
        packed.copy_(squeezed)

    pack = pack_at_once if "at once" in arrange else pack_bytes_first
    if "addmm" in arrange:
        def run():
            pack()
            return torch.addmm(add, flat, matrix, out=tokens)
    elif "linear" in arrange:
        def run():
            pack()
            return torch.nn.functional.linear(flat, transposed).add_(add)
    else:
        def run():
            pack()
            return torch.mm(flat, matrix, out=tokens).add_(add)
    return run


def torch_peers(task):
    products = [f"{pack}, {call}" for pack in ("at once", "bytes first")
                for call in ("addmm", "mm", "linear")]
    for kind, dtype in ("f32", torch.float32), ("bf16", torch.bfloat16):
        yield f"PyTorch_Conv2d_{kind}", {
            name: torch_conv(task, dtype, last)
            for name, last in (("channels_last", True), ("planar", False))}
        yield f"PyTorch_product_{kind}", {
            name: torch_product(task, dtype, name) for name in products}


def onnx_model(task, arrange):
    """The whole job as one graph; "conv", or "product" with the cast before
    or after the bytes are brought into order."""
    helper, types = onnx.helper, onnx.TensorProto
    rows, cols, dim = task.rows, task.cols, task.dim
    height, width, _ = task.frame.shape
    constants, nodes = {}, []

    def node(op, inputs, output, **attributes):
        nodes.append(helper.make_node(op, inputs, [output], **attributes))
        return output

    def constant(name, value):
        constants[name] = value
        return name

    add = constant("add", task.add.astype(np.float32))
    if arrange == "conv":
        image = node("Cast", ["frame"], "float", to=types.FLOAT)
        image = node("Transpose", [image], "planar", perm=[2, 0, 1])
        image = node("Unsqueeze", [image, constant("axis", np.array([0]))],
                     "batch")
        tokens = node("Conv", [image, constant(
            "weight", task.weight.astype(np.float32))], "conv",
            strides=[PATCH, PATCH])
        tokens = node("Reshape", [tokens, constant(
            "channels", np.array([dim, rows * cols]))], "flat")
        tokens = node("Transpose", [tokens], "rows", perm=[1, 0])
    else:
        image = "frame"
        for name, axis, n in ("w", 1, cols), ("h", 0, rows):
            if task.frame.shape[1 - (name == "h")] != n * PATCH:
                image = node("Slice", [image, constant(
                    "start" + name, np.array([0])), constant(
                        "end" + name, np.array([n * PATCH])), constant(
                            "axis" + name, np.array([axis]))], "crop" + name)
        if arrange == "product, cast first":
            image = node("Cast", [image], "float", to=types.FLOAT)
        image = node("Reshape", [image, constant("grid", np.array(
            [rows, PATCH, cols, PATCH * 3]))], "grid_of_rows")
        image = node("Transpose", [image], "patches", perm=[0, 2, 1, 3])
        image = node("Reshape", [image, constant("matrix", np.array(
            [rows * cols, PATCH * PATCH * 3]))], "terms")
        if arrange != "product, cast first":
            image = node("Cast", [image], "float", to=types.FLOAT)
        tokens = node("MatMul", [image, constant(
            "weight", task.matrix().astype(np.float32))], "product")
    node("Add", [tokens, add], "tokens")
    graph = helper.make_graph(
        nodes, "patch embedding",
        [helper.make_tensor_value_info("frame", types.UINT8,
                                       [height, width, 3])],
        [helper.make_tensor_value_info("tokens", types.FLOAT,
                                       [rows * cols, dim])],
        [onnx.numpy_helper.from_array(np.ascontiguousarray(value), name)
         for name, value in constants.items()])
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8).SerializeToString()


ARRANGEMENTS = "conv", "product, cast first", "product, cast last"


def onnxruntime_peer(task, arrange):
    session = onnxruntime_session(onnx_model(task, arrange))
    binding = session.io_binding()
    tokens = np.empty((task.rows * task.cols, task.dim), np.float32)
    output = onnxruntime.OrtValue.ortvalue_from_numpy(tokens)
    binding.bind_cpu_input("frame", task.frame)
    binding.bind_ortvalue_output("tokens", output)

    def run():
        session.run_with_iobinding(binding)
        return output

    return run


def openvino_peer(task, arrange, kind):
    request = openvino_request(onnx_model(task, arrange), kind)
    request.set_input_tensor(openvino.Tensor(task.frame, shared_memory=True))

    def run():
        request.infer()
        return request.get_output_tensor().data

    return run


def all_peers(task):
    if torch:
        yield from torch_peers(task)
    if onnxruntime:
        yield "ONNX_Runtime_f32", {
            name: onnxruntime_peer(task, name) for name in ARRANGEMENTS}
    if openvino and onnxruntime:
        for kind in "f32", "bf16":
            yield f"OpenVINO_{kind}", {
                name: openvino_peer(task, name, kind) for name in ARRANGEMENTS}


def load(width, height, *paths):
    task = Task(int(width), int(height), *paths)
    runs, answer = {}, []
    for name, candidates in all_peers(task):
        arrange, runs[name] = fastest(candidates)
        answer.append("|".join([name, *task.errors(as_array(runs[name]())),
                                arrange.replace(" ", "_")]))
    return runs, answer


def positions(model, rows, cols):
    if not torch:
        return {}, ["-"]
    table = torch.tensor(read_model(model)["pos_embed"][0, 1:])
    dim = table.shape[1]

    def resample(antialias):
        # As the families' code calls it.
        grid = table.reshape(1, 37, 37, dim).permute(0, 3, 1, 2)
        grid = torch.nn.functional.interpolate(
            grid, size=(int(rows), int(cols)), mode="bicubic",
            antialias=antialias)
        return grid.permute(0, 2, 3, 1).reshape(-1, dim)

    runs = {"bicubic": lambda: resample(False),
            "antialias": lambda: resample(True)}
    for run in runs.values():
        run()
    return runs, ["ok"]


def versions():
    modules = [m for m in (torch, onnxruntime, openvino) if m]
    return [", ".join(f"{m.__name__} {m.__version__}" for m in modules)]


def main():
    # Whatever a library prints must not come between the answers.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    if torch:
        torch.set_num_threads(THREADS)
        torch.set_grad_enabled(False)
    runs, blocks = {}, None
    for line in sys.stdin:
        command, *words = line.split()
        if command == "load":
            runs, answer = load(*words)
        elif command == "positions":
            runs, answer = positions(*words)
        elif command == "blocks":
            blocks, runs, answer = peer_blocks.load(*words)
        elif command == "error":
            answer = [blocks.error(np.fromfile(words[0], "<f4"))]
        elif command == "forget":
            blocks, runs, answer = None, {}, ["ok"]
        elif command == "versions":
            answer = versions()
        else:
            answer = [f"{timed(runs[words[0]]):.9f}"]
        print(" ".join(answer), file=answers)


if __name__ == "__main__":
    main()
