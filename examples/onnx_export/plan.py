# SPDX-License-Identifier: MIT
"""What no tensor tells about an encoder: heads, epsilon, activation, rotary rule,
and what the family calls its features, embedding and logits.  Rules and defaults
are those of vitencoder (src/encoder/plan_*.c): as in transformers 5.23, timm 1.0.31
and open_clip 3.3."""
from dataclasses import dataclass, field

from .checkpoint import Refused

ACTIVATIONS = {
    "gelu": "gelu", "gelu_python": "gelu", "gelu_pytorch_tanh": "gelu_tanh",
    "gelu_tanh": "gelu_tanh", "gelu_new": "gelu_tanh", "gelu_fast": "gelu_tanh",
    "quick_gelu": "quick_gelu", "silu": "silu", "swish": "silu"}


@dataclass
class Head:
    """From the rows of features to one vector."""
    pool: str = ""  # "", token, mean_prefix, mean_patches, class_mean, attention or,
    #                 of logits, embedding: that before its projection
    n: int = 0  # which token, or how many prefix tokens
    raw: bool = False  # of the last block's output, not of what is normed
    norm: str = None  # of the pooled vector: a tensor's whole name less ".weight"
    linear: str = None  # likewise
    transposed: bool = False  # `linear` is the whole name of a [D][out], without a bias


@dataclass
class Rope:
    """Rotary positions, of which rotary.py tells the rules."""
    rule: str
    base: float
    reference: float = 0.0
    offset: bool = False


@dataclass
class Plan:
    n_heads: int = 0
    epsilon: float = 0.0
    query_norm_epsilon: float = 0.0  # 0: the same
    rms: bool = False  # norms are RMS norms, whether or not they have a bias
    activation: str = "gelu"
    gated_activation: str = None  # where the MLP has a gate; None: the same
    rope: Rope = None
    n_last_blocks: int = 0  # that are no plain ones, and not computed
    final_norm: str = None  # a tensor's whole name less ".weight"; None: features are raw
    inner_layers_normed: bool = False
    query: str = None  # the kind of attention pooling, of heads.py
    n_query_heads: int = 0
    query_patches_only: bool = False
    query_activation: str = None  # None: the blocks'
    embedding: Head = field(default_factory=Head)
    logits: list = field(default_factory=list)  # of Head; the mean of two

    def add_logits(self, pool, linear, n=0, raw=False):
        self.logits.append(Head(pool, n, raw, linear=linear))


def read_activation(tower, key, default, section=None):
    name = tower.value(key, str, section=section)
    if name is None:
        return default
    if name not in ACTIVATIONS:
        raise Refused(f"{tower.config_path}: {key} is \"{name}\"; known are "
                      f"{', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]
