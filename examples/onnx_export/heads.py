# SPDX-License-Identifier: MIT
"""What comes after the last block: from the rows of features, [B][n_tokens][D], to
the embedding and the logits, [B][n].  In float32 whatever the blocks are: it is a
small part of the work."""
import numpy

# The names of each kind of attention pooling: the query, what maps it, keys and
# values (with how many thirds of the tensor, or of the bias, stand before), the map
# of the result, a norm of its own over all rows, and the MLP that follows.
QUERIES = {
    "transformers": dict(
        prefix="head.", query="head.probe", query_map="head.attention.in_proj_weight",
        query_bias="head.attention.in_proj_bias",
        key_map=("head.attention.in_proj_weight", 1),
        value_map=("head.attention.in_proj_weight", 2),
        value_bias=("head.attention.in_proj_bias", 2),
        projection="head.attention.out_proj", norm="head.layernorm", up="head.mlp.fc1",
        down="head.mlp.fc2"),
    "timm": dict(
        prefix="attn_pool.", query="attn_pool.latent", query_map="attn_pool.q.weight",
        query_bias="attn_pool.q.bias", key_map=("attn_pool.kv.weight", 0),
        value_map=("attn_pool.kv.weight", 1), value_bias=("attn_pool.kv.bias", 1),
        projection="attn_pool.proj", norm="attn_pool.norm", up="attn_pool.mlp.fc1",
        down="attn_pool.mlp.fc2"),
    "aimv2": dict(
        prefix="head.", query="head.cls_token", key_map=("head.k_proj.weight", 0),
        unused="head.k_proj.bias",
        value_map=("head.v_proj.weight", 0), value_bias=("head.v_proj.bias", 0),
        projection="head.output_proj"),
    "coca": dict(
        prefix="attn_pool.", query="attn_pool.query", query_norm="attn_pool.ln_q",
        query_map="attn_pool.attn.q_proj_weight", query_bias="attn_pool.attn.in_proj_bias",
        key_map=("attn_pool.attn.k_proj_weight", 0),
        value_map=("attn_pool.attn.v_proj_weight", 0),
        value_bias=("attn_pool.attn.in_proj_bias", 2),
        projection="attn_pool.attn.out_proj", input_norm="attn_pool.ln_k"),
}
# Where the pool is as wide as the tower.
COCA_JOINT = dict(
    QUERIES["coca"], query_map="attn_pool.attn.in_proj_weight",
    key_map=("attn_pool.attn.in_proj_weight", 1),
    value_map=("attn_pool.attn.in_proj_weight", 2))


class Heads:
    """rows: the features; raw_rows: the last block's output."""

    def __init__(self, encoder, rows, raw_rows):
        self.graph, self.plan, self.tower = encoder.graph, encoder.plan, encoder.tower
        self.encoder, self.checkpoint = encoder, encoder.blocks.checkpoint
        self.rows, self.raw_rows = rows, raw_rows
        self.dim = 0  # of what was pooled last
        self._pooled = None  # the embedding before its projection

    def _slice(self, rows, first, end):
        graph = self.graph
        return graph.node("Slice", rows, graph.integers(first), graph.integers(end),
                          graph.integers(1))

    def _patches(self, rows):
        n_prefix = self.tower.n_prefix_tokens
        return self._slice(rows, n_prefix, numpy.iinfo(numpy.int64).max) if n_prefix else rows

    def _token(self, rows, n):
        graph = self.graph
        return graph.node("Squeeze", self._slice(rows, n, n + 1), graph.integers(1))

    def _mean(self, rows):
        graph = self.graph
        return graph.node("ReduceMean", rows, graph.integers(1), keepdims=0)

    def _pool(self, head):
        rows = self.raw_rows if head.raw else self.rows
        self.dim = self.tower.embed_dim
        if head.pool == "token":
            return self._token(rows, head.n)
        if head.pool == "mean_prefix":
            return self._mean(self._slice(rows, 0, head.n))
        if head.pool == "mean_patches":
            return self._mean(self._patches(rows))
        if head.pool == "class_mean":
            self.dim *= 2
            return self.graph.node("Concat", self._token(rows, 0),
                                   self._mean(self._patches(rows)), axis=-1)
        return self._pool_by_query(rows)

    # Attention pooling: one learned query, which is mapped here and now, so that its
    # scores are one product of each row.

    def _read(self, names, key, default=None):
        name = names.get(key)
        if name is None:
            return default
        name, thirds = name if isinstance(name, tuple) else (name, 0)
        name = self.tower.prefix + name
        if name not in self.checkpoint and key.endswith("bias"):
            return default
        self._used.add(name)
        values = self.checkpoint.read(name)
        return values[thirds * self._width:][:self._width]

    def _read_linear(self, name):
        name = self.tower.prefix + name
        self._used |= {name + ".weight", name + ".bias"}
        has_bias = name + ".bias" in self.checkpoint
        return (self.checkpoint.read(name + ".weight"),
                self.checkpoint.read(name + ".bias") if has_bias else None)

    def _read_query(self, names):
        """[width], mapped and scaled."""
        name = self.tower.prefix + names["query"]
        self._used.add(name)
        query = self.checkpoint.read(name)
        self._width = query.shape[-1]
        query = query.reshape(-1, self._width)[0]
        if self._width % self.plan.n_query_heads:
            self.checkpoint.refuse(name, f"but it has {self.plan.n_query_heads} heads")
        if "query_norm" in names:
            weight, bias = self._read_linear(names["query_norm"])
            query = (query - query.mean()) / numpy.sqrt(query.var() + self.plan.epsilon)
            query = query * weight + bias
        if "query_map" in names:
            query = self._read(names, "query_map") @ query + self._read(
                names, "query_bias", 0.0)
        return query * (self._width // self.plan.n_query_heads) ** -0.5

    def _check_used(self, names):
        for name in self.checkpoint.names:
            if (name.startswith(self.tower.prefix + names["prefix"])
                    and name not in self._used):
                self.checkpoint.refuse(name, "a tensor of the pool that is not known")

    def _pool_by_query(self, rows):
        graph, plan, self._used = self.graph, self.plan, set()
        names = QUERIES[plan.query]
        if plan.query == "coca" and self.tower.has(COCA_JOINT["query_map"]):
            names = COCA_JOINT
        if "unused" in names:  # a bias of all keys changes no share
            self._used.add(self.tower.prefix + names["unused"])
        query, heads = self._read_query(names), plan.n_query_heads
        if plan.query_patches_only:
            rows = self._patches(rows)
        if "input_norm" in names:
            self._read_linear(names["input_norm"])  # as used
            rows = self.encoder.add_named_norm(self.tower.prefix + names["input_norm"], rows)
        keys = self._read(names, "key_map") * query[:, None]
        scores = graph.linear("scores", rows, keys.reshape(heads, -1, keys.shape[1]).sum(1),
                              half=False)
        shares = graph.node("Softmax", graph.node("Transpose", scores, perm=[0, 2, 1]),
                            axis=-1)
        values = graph.linear("values", rows, self._read(names, "value_map"),
                              self._read(names, "value_bias"), half=False)
        values = graph.node("Reshape", values,
                            graph.integers(0, 0, heads, self._width // heads))
        values = graph.node("Transpose", values, perm=[0, 2, 1, 3])
        made = graph.node("MatMul", graph.node("Unsqueeze", shares, graph.integers(2)), values)
        made = graph.node("Reshape", made, graph.integers(0, self._width))
        weight, bias = self._read_linear(names["projection"])
        self.dim = len(weight)
        made = graph.linear("pool.projection", made, weight, bias, half=False)
        if "norm" in names:
            made = graph.node("Add", made, self._pool_mlp(names, made))
        self._check_used(names)
        return made

    def _pool_mlp(self, names, value):
        graph, plan = self.graph, self.plan
        self._read_linear(names["norm"])  # as used
        value = self.encoder.add_named_norm(self.tower.prefix + names["norm"], value)
        value = graph.linear("pool.up", value, *self._read_linear(names["up"]), half=False)
        value = graph.activate(plan.query_activation or plan.activation, value, half=False)
        return graph.linear("pool.down", value, *self._read_linear(names["down"]), half=False)

    # The heads themselves.

    def _vector(self, head):
        """The pooled vector, normed."""
        value = self._pool(head)
        return self.encoder.add_named_norm(head.norm, value) if head.norm else value

    def _embedding_vector(self):
        if self._pooled is None:
            self._pooled = self._vector(self.plan.embedding), self.dim
        return self._pooled

    def _map(self, head, value, dim):
        name = head.linear
        weight = self.checkpoint.read(name if head.transposed else name + ".weight")
        bias = None
        if head.transposed:
            weight = weight.T
        elif name + ".bias" in self.checkpoint:
            bias = self.checkpoint.read(name + ".bias")
        if weight.ndim != 2 or weight.shape[1] != dim:
            self.checkpoint.refuse(name if head.transposed else name + ".weight",
                                   f"but the vector that it maps has {dim} numbers")
        self.dim = len(weight)
        return self.graph.linear(name, value, weight, bias, half=False)

    def add_embedding(self):
        """Its name and how many numbers it has."""
        self.graph.scope = "embedding/"
        value, self.dim = self._embedding_vector()
        if self.plan.embedding.linear:
            value = self._map(self.plan.embedding, value, self.dim)
        return value, self.dim

    def add_logits(self):
        made = []
        for i, head in enumerate(self.plan.logits):
            self.graph.scope = f"logits{i}/"
            # DINOv2's classifier takes two vectors, others of its name one.
            if (head.pool == "class_mean" and self.checkpoint.shape(head.linear + ".weight")[1]
                    == self.tower.embed_dim):
                head.pool = "token"
            value, dim = (self._embedding_vector() if head.pool == "embedding"
                          else (self._vector(head), self.dim))
            made.append(self._map(head, value, dim))
        if len(made) == 2:
            return self.graph.node("Mean", *made), self.dim
        return made[0], self.dim
