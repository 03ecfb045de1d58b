# SPDX-License-Identifier: MIT
"""The parts of export_onnx.py: checkpoint and tower find a model's tensors, the plans
know its family, blocks its blocks; encoder and heads write them into a graph.  rotary
is for programs that run what was written."""
