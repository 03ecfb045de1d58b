# SPDX-License-Identifier: MIT
"""The encoder's rows of the table: the blocks of a Vision Transformer alone, from
tokens to what comes out of the last one, here and by the peers (peer_blocks.py)
with the same weights.  Random numbers: no speed here depends on them."""

import json
import os
import random
import statistics
import struct

from rows import ROUNDS, Row, print_head

DEPTH = 12
POOL = 1 << 21
SPREAD = 0.03

# embed_dim, patch size, timm's name; the grids of two frame sizes.
MODELS = {"S/14": (384, 14, "vit_small_patch14_dinov2", [(16, 16), (34, 45)]),
          "B/16": (768, 16, "vit_base_patch16_224", [(14, 14), (32, 32)])}
OWN_PRECISIONS = ["f32"]


def block_shapes(dim):
    for i in range(DEPTH):
        for name, shape in (("norm1.weight", [dim]), ("norm1.bias", [dim]),
                            ("attn.qkv.weight", [3 * dim, dim]),
                            ("attn.qkv.bias", [3 * dim]),
                            ("attn.proj.weight", [dim, dim]),
                            ("attn.proj.bias", [dim]),
                            ("norm2.weight", [dim]), ("norm2.bias", [dim]),
                            ("mlp.fc1.weight", [4 * dim, dim]),
                            ("mlp.fc1.bias", [4 * dim]),
                            ("mlp.fc2.weight", [dim, 4 * dim]),
                            ("mlp.fc2.bias", [dim])):
            yield f"blocks.{i}.{name}", shape


class Numbers:
    """Normal numbers, as float32 in bytes: every slice begins elsewhere in one
    list of them."""

    def __init__(self):
        self.source = random.Random(1)
        values = [self.source.gauss(0, SPREAD) for _ in range(POOL)]
        self.bytes = 2 * struct.pack(f"<{POOL}f", *values)

    def take(self, n):
        assert n <= POOL
        start = 4 * self.source.randrange(POOL)
        return self.bytes[start:start + 4 * n]

    def pieces(self, n):
        while n > 0:
            yield self.take(min(n, POOL))
            n -= POOL


def write_model(folder, numbers, dim, patch, architecture):
    """As timm saves it, with an input stage that is never used."""
    os.mkdir(folder)
    shapes = {"cls_token": [1, 1, dim], "pos_embed": [1, 1 + 16 * 16, dim],
              "patch_embed.proj.weight": [dim, 3, patch, patch],
              "patch_embed.proj.bias": [dim], "norm.weight": [dim],
              "norm.bias": [dim], **dict(block_shapes(dim))}
    header, offset = {}, 0
    counts = {}
    for name, shape in shapes.items():
        n = 1
        for length in shape:
            n *= length
        header[name] = {"dtype": "F32", "shape": shape,
                        "data_offsets": [offset, offset + 4 * n]}
        offset += 4 * n
        counts[name] = n
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(os.path.join(folder, "model.safetensors"), "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name, n in counts.items():
            if "norm" in name and name.endswith("weight"):
                file.write(struct.pack("<f", 1.0) * n)
                continue
            for piece in numbers.pieces(n):
                file.write(piece)
    with open(os.path.join(folder, "config.json"), "w") as file:
        json.dump({"architecture": architecture, "num_classes": 0,
                   "num_features": dim, "global_pool": "token",
                   "pretrained_cfg": {"mean": [0.5] * 3, "std": [0.5] * 3}},
                  file)


def multiply_adds(n_tokens, dim):
    """Of all blocks: the linear maps, the scores and what they weigh."""
    return DEPTH * (n_tokens * 12 * dim * dim + 2 * n_tokens * n_tokens * dim)


class EncoderGroup:
    def __init__(self, table, name, folder, tokens, grid, n_threads):
        self.table, self.folder, self.tokens = table, folder, tokens
        self.grid, self.n_threads = grid, n_threads
        self.n_tokens = grid[0] * grid[1] + 1
        self.products = multiply_adds(self.n_tokens, MODELS[name][0])

    def peer_rows(self):
        """Before own_rows(), whose errors the peers tell."""
        self.peers = self.table.peers_on(self.n_threads)
        if self.peers is None:
            return []
        rows = []
        for entry in self.peers.ask("blocks", self.folder, self.tokens,
                                    self.n_tokens):
            name, error, note = entry.split("|")
            title, kind = name.replace("_", " ").rsplit(" ", 1)
            rows.append(Row(title, kind, self.table.peer_take(
                self.peers, name, kind, self.n_threads), self.products,
                str(self.n_tokens), error, note))
        return rows

    def own_rows(self):
        rows = []
        for precision in OWN_PRECISIONS:
            found = self.tokens + ".found"
            row = self.table.own_row(
                "gst-vit, blocks", precision, str(self.n_tokens),
                self.products, ("encoder", self.folder, self.tokens,
                                *self.grid, precision, self.n_threads, found))
            if self.peers:
                row.error = self.peers.ask("error", found)[0]
            rows.append(row)
        # Of the last block it leaves out most, so the multiply-adds are fewer.
        rows.append(self.table.own_row(
            "gst-vit, the class token alone", "f32", str(self.n_tokens), 0,
            ("class-token", self.folder, self.tokens, *self.grid,
             self.n_threads)))
        return rows

    def run(self):
        peers = self.peer_rows()
        own = self.own_rows()
        for _ in range(ROUNDS):
            for row in own + peers:
                row.measure()
        for row in own + peers:
            row.print(own[0])
        for row in own:
            self.table.bench.ask("drop", row.case)
        if self.peers:
            self.peers.ask("forget")
        f32 = [row for row in peers if row.kind == "f32"]
        if f32:
            best = min(f32, key=lambda row: statistics.median(row.seconds))
            ratio = statistics.median(
                a / b for a, b in zip(best.seconds, own[0].seconds))
            print(f"  = f32 here is {ratio:.2f} times as fast as the fastest "
                  f"f32 peer ({best.name})", flush=True)


def encoder_groups(table, quick):
    """Prints them; quick: the least model and frame alone."""
    numbers = Numbers()
    print_head("tokens")
    for name in ["S/14"] if quick else MODELS:
        dim, patch, architecture, grids = MODELS[name]
        folder = table.frames.path("vit-" + name.replace("/", "-"))
        write_model(folder, numbers, dim, patch, architecture)
        for grid in grids[:1] if quick else grids:
            n_tokens = grid[0] * grid[1] + 1
            tokens = table.frames.path(f"tokens-{dim}-{n_tokens}")
            with open(tokens, "wb") as file:
                file.write(numbers.take(n_tokens * dim))
            for n_threads in 1, 2:
                print(f"\nencoder, ViT-{name}, {n_tokens} tokens, {n_threads} "
                      f"thread{'s' * (n_threads > 1)}", flush=True)
                EncoderGroup(table, name, folder, tokens, grid,
                             n_threads).run()
