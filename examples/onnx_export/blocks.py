# SPDX-License-Identifier: MIT
"""The tensors of an encoder's blocks: for each part of one all names that families
give it (as src/encoder/block_layout.c), found and held against each other before
any is read.  A tensor of a block that has no part in it is refused, for what it does
would be left out in silence."""
import re

from .checkpoint import Refused

PATHS = ("encoder.layer.", "encoder.layers.", "layer.", "model.layer.", "layers.",
         "blocks.", "transformer.resblocks.", "trunk.blocks.")

# Names less ".weight"; those of SCALES are whole.
PARTS = {
    "norm1": "layernorm_before norm1 layer_norm1 rms_norm1 ln_1 norm_1",
    "qkv": "attn.qkv self_attn.qkv",
    "query": "attention.attention.query attention.q_proj self_attn.q_proj attn.q_proj",
    "key": "attention.attention.key attention.k_proj self_attn.k_proj attn.k_proj",
    "value": "attention.attention.value attention.v_proj self_attn.v_proj attn.v_proj",
    "query_norm": "attention.q_norm attn.q_norm",
    "key_norm": "attention.k_norm attn.k_norm",
    "attention_norm": "attn.norm",
    "projection": "attention.output.dense attention.o_proj attention.out_proj "
                  "self_attn.out_proj self_attn.projection attention.projection_layer "
                  "attn.proj attn.out_proj",
    "norm2": "layernorm_after norm2 layer_norm2 rms_norm2 ln_2 norm_2",
    "gate": "mlp.gate_proj ffn.gate_proj mlp.fc1_g",
    "up": "mlp.up_proj ffn.up_proj mlp.fc1_x mlp.w12 mlp.weights_in mlp.c_fc "
          "intermediate.dense mlp.fc1",
    "mlp_norm": "mlp.norm",
    "down": "mlp.down_proj ffn.down_proj mlp.w3 mlp.weights_out mlp.c_proj output.dense "
            "mlp.fc2",
}
SCALES = {
    "scale1": "lambda_1 layer_scale1.lambda1 ls1.gamma gamma_1 ls_1.gamma",
    "scale2": "lambda_2 layer_scale2.lambda1 ls2.gamma gamma_2 ls_2.gamma",
}
NEEDED = "norm1", "projection", "norm2", "up", "down"


class Blocks:
    def __init__(self, tower, plan):
        self.tower, self.checkpoint = tower, tower.checkpoint
        self.path, count = self._locate()
        self.parts = [self._find(i) for i in range(count)]
        self._check_all()
        self.depth = count - plan.n_last_blocks
        if self.depth < 1:
            tower.refuse(f"of its {count} blocks the last {plan.n_last_blocks} are no "
                         "plain ones")
        self._measure(plan)
        for part in self.parts:
            self._check_shapes(part)

    def _count(self, path):
        numbers = [int(found[1]) for found in (
            re.match(re.escape(path) + r"(\d{1,6})\.", name)
            for name in self.checkpoint.names) if found]
        return 1 + max(numbers, default=-1)

    def _locate(self):
        """Some files have their tower's blocks at the root, beside a prefix for the
        rest."""
        paths = [self.tower.prefix + path for path in PATHS]
        if self.tower.prefix == "vit.":
            paths.append(PATHS[0])
        for path in paths:
            if self._count(path):
                return path, self._count(path)
        raise Refused(f"{self.checkpoint.path}: holds an input stage alone: no tensor of a "
                      f"block, such as {paths[0]}0..., is in it")

    def _find(self, i):
        """{part: a tensor's whole name, part + ".bias": likewise} of a block."""
        block, found = f"{self.path}{i}.", {}

        def take(part, names):
            for name in names:
                if block + name in self.checkpoint:
                    found[part] = block + name
                    return True
            return False

        for part, names in PARTS.items():
            for name in names.split():
                if take(part, [name + ".weight"]):
                    take(part + ".bias", [name + ".bias"])
                    break
        for part, names in SCALES.items():
            take(part, names.split())
        if "qkv" not in found and take("qkv", ["attn.in_proj_weight"]):
            take("qkv.bias", ["attn.in_proj_bias"])
        # The authors' AIMv2 calls the gate fc1 and the other half fc3.
        if "gate" not in found and block + "mlp.fc3.weight" in self.checkpoint:
            found["gate"], found["gate.bias"] = found.pop("up"), found.pop("up.bias", None)
            take("up", ["mlp.fc3.weight"])
            take("up.bias", ["mlp.fc3.bias"])
            found = {part: name for part, name in found.items() if name}
        if "qkv" in found and "qkv.bias" not in found:
            take("query.bias", ["attn.q_bias"])
            take("value.bias", ["attn.v_bias"])
        return found

    def _check_all(self):
        used = {name for part in self.parts for name in part.values()}
        for i, part in enumerate(self.parts):
            block = f"{self.path}{i}."
            lacking = set(NEEDED) - set(part) | (set(self.parts[0]) - set(part))
            if "qkv" not in part:
                lacking |= {"query", "key", "value"} - set(part)
            if lacking:
                raise Refused(f"{self.checkpoint.path}: {block} lacks its "
                              f"{', '.join(sorted(lacking))}")
            for name in set(part) - set(self.parts[0]):
                raise Refused(f"{self.checkpoint.path}: {part[name]} is there, but block 0 "
                              "has no such tensor")
            for name in self.checkpoint.names:
                if name.startswith(block) and name not in used:
                    self.checkpoint.refuse(
                        name, "a tensor of a block that is none of a plain ViT's, so the "
                        "model cannot be exported")

    def _measure(self, plan):
        """The sizes of all blocks, by the first."""
        part, shape = self.parts[0], self.checkpoint.shape
        n_maps = 3 if "qkv" in part else 1
        query = part["qkv"] if "qkv" in part else part["query"]
        rows = shape(query)[0]
        if rows % n_maps or rows // n_maps % plan.n_heads:
            self.checkpoint.refuse(query, f"but its attention has {plan.n_heads} heads")
        self.width = rows // n_maps
        self.head_dim = self.width // plan.n_heads
        if plan.rope and self.head_dim % 4:
            self.checkpoint.refuse(query, "but rotary positions need heads of a multiple "
                                   "of 4 channels")
        self.hidden = shape(part["down"])[-1]
        self.is_packed = "gate" not in part and shape(part["up"])[0] == 2 * self.hidden
        self.is_gated = self.is_packed or "gate" in part

    def _check_shapes(self, part):
        d, width, hidden = self.tower.embed_dim, self.width, self.hidden
        expected = {
            "norm1": [(d,)], "qkv": [(3 * width, d)], "query": [(width, d)],
            "key": [(width, d)], "value": [(width, d)],
            "query_norm": [(self.head_dim,), (width,)],
            "key_norm": [(self.head_dim,), (width,)], "attention_norm": [(width,)],
            "projection": [(d, width)], "scale1": [(d,)], "norm2": [(d,)],
            "gate": [(hidden, d)], "up": [(hidden * (1 + self.is_packed), d)],
            "mlp_norm": [(hidden,)], "down": [(d, hidden)], "scale2": [(d,)]}
        for name, tensor in part.items():
            kind, _, is_bias = name.partition(".")
            # Of a bias beside a joint weight, too.
            shapes = [shape[:1] for shape in expected[kind]] if is_bias else expected[kind]
            if self.checkpoint.shape(tensor) not in shapes:
                self.checkpoint.refuse(
                    tensor, "but the tensors beside it make it "
                    + " or ".join(str(list(shape)) for shape in shapes))
