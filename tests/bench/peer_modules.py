# SPDX-License-Identifier: MIT
"""What the peers' programs share: the modules that are installed, how many
threads they may use, and how they are timed."""

import sys
import time

try:
    import torch
except ImportError:
    torch = None
try:
    import onnx
    import onnxruntime
except ImportError:
    onnx = onnxruntime = None
try:
    import openvino
except ImportError:
    openvino = None

THREADS = int(sys.argv[1])
SLICE = 0.004  # seconds; a peer is run so long, at least once
LONG = 0.3  # of such a run once tells enough


def timed(run):
    start, n = time.perf_counter(), 0
    while True:
        run()
        n += 1
        taken = time.perf_counter() - start
        if taken >= SLICE:
            return taken / n


def fastest(candidates):
    """The name and the function that runs fastest; each () -> numbers."""
    best = None
    for name, run in candidates.items():
        run()
        if len(candidates) == 1:
            return name, run
        seconds = timed(run)
        if seconds < LONG:
            seconds = min(seconds, timed(run), timed(run))
        if best is None or seconds < best[0]:
            best = seconds, name, run
    return best[1:]


def as_array(numbers):
    if torch and isinstance(numbers, torch.Tensor):
        return numbers.float().numpy()
    return numbers.numpy() if hasattr(numbers, "numpy") else numbers


def onnxruntime_session(model):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    options.inter_op_num_threads = 1
    # It must not keep a core busy while another is timed.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    return onnxruntime.InferenceSession(
        model, options, providers=["CPUExecutionProvider"])


def openvino_request(model, kind):
    core = openvino.Core()
    return core.compile_model(
        core.read_model(model), "CPU",
        {"INFERENCE_NUM_THREADS": THREADS, "NUM_STREAMS": 1,
         "PERFORMANCE_HINT": "LATENCY",
         "INFERENCE_PRECISION_HINT": kind}).create_infer_request()
