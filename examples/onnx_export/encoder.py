# SPDX-License-Identifier: MIT
"""The blocks of an encoder as nodes of an ONNX graph: x += attention (norm (x)),
x += mlp (norm (x)), with what the family varies of it.  The sum x and the norms are
float32 whatever the products are."""
import numpy


def deinterleave(head_dim):
    """Of pairs (2d, 2d + 1) those of (d, d + head_dim / 2)."""
    return numpy.concatenate([numpy.arange(0, head_dim, 2), numpy.arange(1, head_dim, 2)])


class Encoder:
    def __init__(self, graph, plan, blocks):
        self.graph, self.plan, self.blocks = graph, plan, blocks
        self.tower, self.read = blocks.tower, blocks.checkpoint.read
        self.cos = self.sin = None

    def add_rotary_inputs(self):
        """Prefix tokens are not turned.  The signs are those of the pairs' first and
        second halves."""
        graph, head_dim = self.graph, self.blocks.head_dim
        graph.scope = "rotary/"
        n_prefix = self.tower.n_prefix_tokens
        signs = numpy.repeat([-1.0, 1.0], head_dim // 2)
        made = []
        for name, unturned in (("cos", 1.0), ("sin", 0.0)):
            value = graph.input(name, ["n_patches", head_dim])
            if name == "sin":
                value = graph.node("Mul", value, graph.weight("signs", signs))
            if n_prefix:
                rows = graph.weight(f"prefix.{name}",
                                    numpy.full((n_prefix, head_dim), unturned))
                value = graph.node("Concat", rows, value, axis=0)
            made.append(graph.to_products(value))
        self.cos, self.sin = made

    def _values(self, part, name):
        return self.read(part[name]) if name in part else None

    def _norm(self, part, name, value, epsilon=None):
        weight, bias = self._values(part, name), self._values(part, name + ".bias")
        rms = self.plan.rms or bias is None
        return self.graph.norm(name, value, weight, bias, epsilon or self.plan.epsilon, rms)

    def _inner_norm(self, part, name, value):
        """In the middle of products."""
        if name not in part:
            return value
        made = self._norm(part, name, self.graph.from_products(value))
        return self.graph.to_products(made)

    def _maps(self, part):
        """Queries, keys and values as one: ([3 * width][D], [3 * width] or None)."""
        width, names = self.blocks.width, ("query", "key", "value")
        if "qkv" in part:
            weight, bias = self._values(part, "qkv"), self._values(part, "qkv.bias")
        else:
            weight = numpy.concatenate([self._values(part, name) for name in names])
            bias = None
        if bias is None and any(name + ".bias" in part for name in names):
            biases = [self._values(part, name + ".bias") for name in names]
            bias = numpy.concatenate([numpy.zeros(width) if values is None else values
                                      for values in biases])
        return weight, bias

    def _is_interleaved(self):
        return self.plan.rope is not None and self.plan.rope.rule != "dinov3"

    def _arrange(self, weight, bias, has_query_norm):
        """Channels of queries and keys in the order that rotary.py takes, and the
        scale of the scores in the queries, unless their norm would take it away."""
        width, head_dim = self.blocks.width, self.blocks.head_dim
        order = numpy.arange(3 * width)
        if self._is_interleaved():
            order[:2 * width] = (order[:2 * width:head_dim, None]
                                 + deinterleave(head_dim)).ravel()
        weight, bias = weight[order], None if bias is None else bias[order]
        if not has_query_norm:
            scale = numpy.ones(3 * width)
            scale[:width] = head_dim ** -0.5
            weight = weight * scale[:, None]
            bias = None if bias is None else bias * scale
        return weight, bias

    def _norm_heads(self, part, name, value, split):
        """Of queries or keys, over each head or over all of them: [B][N][width] to
        [B][N][n_heads][head_dim]."""
        graph, head_dim = self.graph, self.blocks.head_dim
        if name not in part:
            return graph.node("Reshape", value, split)
        weight, bias = self._values(part, name), self._values(part, name + ".bias")
        order = numpy.arange(len(weight))
        if self._is_interleaved():
            order = (order[::head_dim, None] + deinterleave(head_dim)).ravel()
        scale = head_dim ** -0.5 if name == "query_norm" else 1.0
        weight = weight[order] * scale
        bias = None if bias is None else bias[order] * scale
        over_all = len(weight) == self.blocks.width and self.plan.n_heads > 1
        value = graph.from_products(value)
        if not over_all:
            value = graph.node("Reshape", value, split)
        value = graph.norm(name, value, weight, bias,
                           self.plan.query_norm_epsilon or self.plan.epsilon, bias is None)
        value = graph.to_products(value)
        return graph.node("Reshape", value, split) if over_all else value

    def _turn(self, value):
        """[B][n_heads][N][head_dim] by the rotary positions."""
        graph = self.graph
        if self.cos is None:
            return value
        first, second = graph.node("Split", value, n=2, num_outputs=2, axis=-1)
        swapped = graph.node("Concat", second, first, axis=-1)
        return graph.node("Add", graph.node("Mul", value, self.cos),
                          graph.node("Mul", swapped, self.sin))

    def _attend(self, part, value):
        graph, plan = self.graph, self.plan
        weight, bias = self._arrange(*self._maps(part), "query_norm" in part)
        query, key, value = graph.node(
            "Split", graph.linear("qkv", value, weight, bias), n=3, num_outputs=3, axis=-1)
        split = graph.integers(0, 0, plan.n_heads, self.blocks.head_dim)
        query = self._norm_heads(part, "query_norm", query, split)
        key = self._norm_heads(part, "key_norm", key, split)
        value = graph.node("Reshape", value, split)
        query, key, value = (graph.node("Transpose", rows, perm=[0, 2, 1, 3])
                             for rows in (query, key, value))
        query = self._turn(query)
        key = graph.node("Transpose", self._turn(key), perm=[0, 1, 3, 2])
        shares = graph.node("Softmax", graph.node("MatMul", query, key), axis=-1)
        made = graph.node("Transpose", graph.node("MatMul", shares, value), perm=[0, 2, 1, 3])
        made = graph.node("Reshape", made, graph.integers(0, 0, self.blocks.width))
        made = self._inner_norm(part, "attention_norm", made)
        return graph.linear("projection", made, self._values(part, "projection"),
                            self._values(part, "projection.bias"))

    def _activation(self):
        plan = self.plan
        return plan.gated_activation if (
            self.blocks.is_gated and plan.gated_activation) else plan.activation

    def _hidden(self, part, value):
        graph = self.graph
        weight, bias = self._values(part, "up"), self._values(part, "up.bias")
        if not self.blocks.is_gated:
            return graph.activate(self._activation(), graph.linear("up", value, weight, bias))
        if self.blocks.is_packed:
            gate, up = graph.node("Split", graph.linear("up", value, weight, bias),
                                  n=2, num_outputs=2, axis=-1)
        else:
            up = graph.linear("up", value, weight, bias)
            gate = graph.linear("gate", value, self._values(part, "gate"),
                                self._values(part, "gate.bias"))
        return graph.node("Mul", graph.activate(self._activation(), gate), up)

    def _mlp(self, part, value):
        made = self._inner_norm(part, "mlp_norm", self._hidden(part, value))
        return self.graph.linear("down", made, self._values(part, "down"),
                                 self._values(part, "down.bias"))

    def _add(self, part, scale, value, made):
        graph = self.graph
        made = graph.from_products(made)
        if scale in part:
            made = graph.node("Mul", made, graph.weight(scale, self._values(part, scale)))
        return graph.node("Add", value, made)

    def add_block(self, i, value):
        part, graph = self.blocks.parts[i], self.graph
        graph.scope = f"block{i}/"
        normed = graph.to_products(self._norm(part, "norm1", value))
        value = self._add(part, "scale1", value, self._attend(part, normed))
        normed = graph.to_products(self._norm(part, "norm2", value))
        return self._add(part, "scale2", value, self._mlp(part, normed))

    def add_named_norm(self, name, value):
        """A norm by a tensor's whole name less ".weight"."""
        checkpoint = self.blocks.checkpoint
        bias = self.read(name + ".bias") if name + ".bias" in checkpoint else None
        return self.graph.norm(name, value, self.read(name + ".weight"), bias,
                               self.plan.epsilon, bias is None)
