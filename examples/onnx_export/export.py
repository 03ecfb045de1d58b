# SPDX-License-Identifier: MIT
"""From a checkpoint to an ONNX file: what export_onnx.py does."""
import os

from . import plan_open_clip, plan_timm, plan_transformers, rotary, tower
from .blocks import Blocks
from .checkpoint import Checkpoint, Refused, find_weights
from .encoder import Encoder
from .graph import Graph
from .heads import Heads

PACKAGES = {"transformers": plan_transformers, "timm": plan_timm, "open_clip": plan_open_clip}

MODELINFO = """\
# What the tensors of the encoder in the file of this name, less ".modelinfo", are to
# GStreamer's inference elements.  Ids are those of the properties tensor-id of
# vitpatchembed and vitencoder.

[modelinfo]
version=1.0
group-id=vit-encoder-out
"""
TENSOR = """
[{name}]
id={id}
type=float32
dims={dims}
dims-order=row-major
dir={dir}
"""


def make_plan(model):
    """(Tower, Plan)"""
    found = tower.describe(Checkpoint(find_weights(model)), plan_transformers.ROW_OF)
    package = PACKAGES[found.package]
    if hasattr(package, "check"):
        package.check(found)
    tower.locate(found)
    plan = package.make_plan(found)
    if found.is_trunk:
        plan_open_clip.change_trunk(plan, found)
    return found, plan


def check_wanted(found, plan, blocks, layers, embedding, logits):
    if layers and not 1 <= layers[0] <= layers[-1] <= blocks.depth:
        raise Refused(f"--layers are {', '.join(map(str, layers))}; {found.name} has blocks "
                      f"1 to {blocks.depth}")
    if embedding and not plan.embedding.pool:
        found.refuse("its package has no embedding of a frame; leave --embedding out")
    if logits and not plan.logits:
        found.refuse("there is no classifier in the file; leave --logits out")


def add_outputs(graph, encoder, layers, embedding, logits):
    """All blocks and what comes after them.  {output: its numbers}"""
    plan, blocks, dim = encoder.plan, encoder.blocks, encoder.tower.embed_dim
    sequence = ["batch", "n_tokens", dim]
    value = graph.input("tokens", sequence)
    if plan.rope:
        encoder.add_rotary_inputs()
    inner = {}
    for i in range(blocks.depth):
        value = encoder.add_block(i, value)
        inner[i + 1] = value
    graph.scope = ""
    features = encoder.add_named_norm(plan.final_norm, value) if plan.final_norm else value
    graph.output("features", features, sequence)
    dims = {"features": dim}
    for n in layers:
        made = inner[n]
        if n == blocks.depth:
            made = features
        elif plan.final_norm and plan.inner_layers_normed:
            graph.scope = f"layer{n}/"
            made = encoder.add_named_norm(plan.final_norm, made)
        graph.output(f"features_{n}", made, sequence)
        dims[f"features_{n}"] = dim
    heads = Heads(encoder, features, value)
    for name, is_wanted, add in (("embedding", embedding, heads.add_embedding),
                                 ("logits", logits, heads.add_logits)):
        if is_wanted:
            made, dims[name] = add()
            graph.output(name, made, ["batch", dims[name]])
    return dims


def tensor_id(output):
    """As vitencoder's property tensor-id says it: of features_6 vit-features-6, of
    embedding vit-features-embedding."""
    return "vit-features" + output.removeprefix("features").replace("_", "-") if (
        output.startswith("features")) else f"vit-features-{output}"


def write_modelinfo(path, dim, dims):
    with open(path + ".modelinfo", "w", encoding="utf-8") as file:
        file.write(MODELINFO)
        file.write(TENSOR.format(name="tokens", id="vit-patch-tokens", dir="input",
                                 dims=f"-1,-1,{dim}"))
        for name, numbers in dims.items():
            free = "-1,-1" if name.startswith("features") else "-1"
            file.write(TENSOR.format(name=name, id=tensor_id(name), dir="output",
                                     dims=f"{free},{numbers}"))


def export(model, path, layers=(), embedding=False, logits=False, half=False):
    """Writes `path`, the weights beside it and a .modelinfo, or leaves what is there.
    What it says of them, and their metadata."""
    found, plan = make_plan(model)
    blocks = Blocks(found, plan)
    check_wanted(found, plan, blocks, layers, embedding, logits)
    metadata = {"gst-vit.model": found.name,
                "gst-vit.n-prefix-tokens": str(found.n_prefix_tokens)}
    if plan.rope:
        metadata.update(rotary.describe(plan.rope, blocks.head_dim))
    with Graph(path, half) as graph:
        encoder = Encoder(graph, plan, blocks)
        try:
            dims = add_outputs(graph, encoder, layers, embedding, logits)
        except ValueError as error:
            raise Refused(str(error)) from error
        graph.save(metadata)
        write_modelinfo(graph.part_path, found.embed_dim, dims)
        graph.replace()
    size = os.path.getsize(path + ".data") / 1e6
    rope = f", rotary positions {plan.rope.rule}" if plan.rope else ""
    return (f"{path}: {found.name}, {blocks.depth} blocks of {found.embed_dim} channels, "
            f"{plan.n_heads} heads{rope}; {size:.0f} MB in {graph.data_name}", metadata)
