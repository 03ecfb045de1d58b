# SPDX-License-Identifier: MIT
"""timm's models.  Their config.json names the architecture and says little else, so
what follows from the name stands here, as patterns of which the first that fits
counts."""
from .plan import Plan, Rope, read_activation
from .tower import first_match, matches

PARALLEL = "its attention and MLP run side by side"
DIFFERENTIAL = "its attention is differential"
RELATIVE = "its attention has relative positions"
CONVOLUTION = "its patches come from a convolutional network"
POST_NORM = "its norms come after attention and MLP"

REFUSALS = [
    ("beit_*", RELATIVE), ("beitv2_*", RELATIVE), ("*vit_*relpos*", RELATIVE),
    ("samvit_*", "its attention has windows and relative positions"),
    ("eva02_enormous*", POST_NORM), ("vit_*_rpn_*", POST_NORM),
    ("vit_*_xp_*", PARALLEL), ("vit_*pwee*", PARALLEL), ("*18x2*", PARALLEL),
    ("vit_*dlittle*", DIFFERENTIAL), ("vit_*dwee*", DIFFERENTIAL),
    ("vit_*_rope_mixed_*", "its rotary positions are learnt"),
    ("vit_*_mci_*", CONVOLUTION), ("vit_*_r_*", CONVOLUTION), ("vit_*_r??_*", CONVOLUTION),
    ("vit_*_r??s*", CONVOLUTION), ("vit_*_resnet*", CONVOLUTION),
    ("naflexvit_*", "nothing here knows its defaults"),
    ("vit_base_*sapiens2*", None),
    ("vit_*sapiens2*", "its heads share keys and values"),
]
KNOWN = ("vit_*", "deit_*", "deit3_*", "flexivit_*", "eva_*", "eva02_*", "test_vit*",
         "beit3_*", "aimv2_*")

# Channels of a head.
HEAD_DIMS = [
    ("test_vit*", 32), ("vit_so400m_*", 72), ("vit_huge_plus_*dinov3*", 64),
    ("vit_huge_*", 80), ("deit3_huge_*", 80), ("eva_giant_*", 88), ("beit3_giant_*", 88),
    ("vit_giant_*_clip_*", 88), ("vit_giant_patch14_224*", 88), ("vit_giant_*_gap_*", 88),
    ("vit_giantopt_*siglip*", 96), ("vit_pe_*_gigantic_*", 96), ("vit_gigantic_*", 104),
    ("aimv2_*", 128), ("vit_7b_*dinov3*", 128), ("vit_base_patch16_gap_224*", 48),
    ("*", 64),
]
EPSILONS = [
    ("vit_*_clip_*", 1e-5), ("vit_*dinov3*", 1e-5), ("vit_*lingbot*", 1e-5),
    ("vit_pe_*", 1e-5), ("beit3_*", 1e-5), ("aimv2_*", 1e-5), ("*", 1e-6),
]
RMS_NORMS = "aimv2_*", "vit_*_sapiens2*", "test_vit4*"
NAME_ACTIVATIONS = [
    ("*_clip_quickgelu_*", "quick_gelu"),
    ("vit_base_patch32_siglip_*256*", "gelu_tanh"),
    ("vit_large_patch16_siglip_*512*", "gelu_tanh"),
    ("vit_so400m_patch16_siglip_*", "gelu_tanh"),
    ("vit_giantopt_patch16_siglip_*", "gelu_tanh"),
    ("*", "gelu"),
]
# Where the config gives no global_pool.
POOLS = [
    ("test_vit2*", "avg"), ("test_vit3*", "map"), ("test_vit4*", "avg"),
    ("vit_*_gap_*", "avg"), ("vit_*_map_*", "map"), ("eva_large_*", "avg"),
    ("aimv2_*", "avg"), ("beit3_*", "avg"), ("vit_so150m*", "avg"),
    ("vit_*_rope_reg*", "avg"), ("vit_*_siglip_*", "map"), ("vit_pe_core_*", "map"),
    ("eva*_clip_*", "token"), ("vit_*lingbot*", "token"), ("vit_*_rope_*224*", "token"),
    ("vit_*sapiens2*", "token"), ("eva*", "avg"), ("vit_*dinov3*", "avg"),
    ("vit_pe_*", "avg"), ("*", "token"),
]
# Rule, base, and the patches a side of the grid that it was trained on.
ROPES = [
    ("vit_*dinov3*", "dinov3", 100.0, 0.0), ("vit_*lingbot*", "dinov3", 100.0, 0.0),
    ("vit_*sapiens2*", "dinov3", 100.0, 0.0), ("eva02_*", "eva", 1e4, 0.0),
    ("vit_*_rope_reg*", "eva", 1e4, 0.0), ("vit_pe_core_base_*", "pe", 1e4, 14.0),
    ("vit_pe_core_gigantic_*", "pe", 1e4, 32.0), ("vit_pe_core_*", "pe", 1e4, 24.0),
    ("vit_pe_*", "pe", 1e4, 32.0), ("vit_*_rope_224*", "rope-vit", 100.0, 0.0),
    ("vit_*_rope_ape_224*", "rope-vit", 100.0, 0.0),
]
# timm's Eva class, whose pool has an activation of its own, and sees the prefix
# tokens too.
EVA_CLASS = ("eva_*", "eva02_*", "vit_pe_*", "vit_*dinov3*", "vit_*lingbot*",
             "vit_*_rope_*", "vit_*sapiens2*")


def check(tower):
    why = first_match(REFUSALS, tower.name)
    if why:
        tower.refuse(why)
    if not matches(KNOWN, tower.name):
        tower.refuse(f"no such architecture is known; known are {', '.join(KNOWN)}")


def plan_numbers(plan, tower, arguments):
    name = tower.name
    plan.n_heads = tower.size("num_heads", 0, arguments)
    if not plan.n_heads:
        if "embed_dim" in arguments:
            tower.refuse("model_args sets embed_dim but not num_heads, so nothing says how "
                         "many heads its attention has")
        head_dim = first_match(HEAD_DIMS, name)
        if tower.embed_dim % head_dim:
            tower.refuse(f"it has heads of {head_dim} channels, of which {tower.embed_dim} "
                         "are no multiple")
        plan.n_heads = tower.embed_dim // head_dim
    plan.epsilon = first_match(EPSILONS, name)
    plan.rms = matches(RMS_NORMS, name)
    plan.activation = read_activation(tower, "act_layer",
                                      first_match(NAME_ACTIVATIONS, name), arguments)
    plan.gated_activation = "silu"
    rope = first_match(ROPES, name)
    if rope:
        plan.rope = Rope(*rope, offset=tower.n_prefix_tokens > 0)


def plan_query(plan, tower, arguments):
    if not tower.has("attn_pool.latent"):
        plan.embedding.pool = ""
        return
    eva = matches(EVA_CLASS, tower.name)
    plan.embedding.pool, plan.query = "attention", "timm"
    plan.n_query_heads = tower.size("attn_pool_num_heads", 8 if eva else plan.n_heads,
                                    arguments)
    plan.query_patches_only = not (
        eva or tower.value("pool_include_prefix", bool, False, arguments)
        or matches(["test_vit3*"], tower.name))
    plan.query_activation = "gelu" if eva else None


def plan_embedding(plan, tower, arguments):
    """What global_pool says, or without one the name; then fc_norm and head."""
    embedding = plan.embedding
    pool = tower.value("global_pool", str, tower.value(
        "global_pool", str, first_match(POOLS, tower.name), arguments))
    if pool == "avg" and tower.value("pool_include_prefix", bool, False, arguments):
        tower.refuse("pool_include_prefix is true; the mean here leaves prefix tokens out")
    embedding.pool = {"avg": "mean_patches", "token": "token"}.get(pool, "")
    if pool == "map":
        plan_query(plan, tower, arguments)
    # Both of a distilled model's tokens.
    if embedding.pool == "token" and tower.prefix_tokens.get("dist_token") == 1:
        embedding.pool, embedding.n = "mean_prefix", 2
    embedding.norm = tower.find("fc_norm")
    both = [tower.find(name) for name in ("head", "head_dist")]
    if all(both):
        for n, linear in enumerate(both):
            plan.add_logits("token", linear, n)
    elif both[0] and embedding.pool:
        plan.add_logits("embedding", both[0])


def make_plan(tower):
    arguments = tower.value("model_args", dict, {})
    plan = Plan()
    plan_numbers(plan, tower, arguments)
    plan.final_norm = tower.find("norm")
    plan_embedding(plan, tower, arguments)
    return plan
