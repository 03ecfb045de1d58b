# SPDX-License-Identifier: MIT
"""OpenCLIP's own towers, by open_clip_config.json, and timm's inside its models."""
from .checkpoint import Refused
from .plan import Plan

POOLS = {"tok": "token", "token": "token", "avg": "mean_patches", "none": "", "": ""}


def read_pool(tower, key, default):
    pool = tower.value(key, str, default)
    if pool not in POOLS:
        raise Refused(f"{tower.config_path}: {key} is \"{pool}\"; known are tok, avg and none")
    return POOLS[pool]


def plan_numbers(plan, tower):
    head_width = tower.size("head_width", 64)
    if head_width > tower.embed_dim:
        raise Refused(f"{tower.config_path}: head_width is {head_width}, but width is "
                      f"{tower.embed_dim}")
    plan.n_heads = tower.embed_dim // head_width
    norm = tower.value("norm_kwargs", dict, {})
    plan.epsilon = tower.fraction("eps", 1e-5, norm)
    approximate = tower.value("approximate", str, "none",
                              tower.value("act_kwargs", dict, {}))
    if approximate not in ("none", "tanh"):
        raise Refused(f"{tower.config_path}: act_kwargs.approximate is \"{approximate}\"")
    plan.activation = "gelu_tanh" if approximate == "tanh" else "gelu"
    if tower.value("quick_gelu", bool, False, tower.config["model_cfg"]):
        plan.activation = "quick_gelu"


def make_plan(tower):
    if tower.has("attn_pool.probe"):
        tower.refuse("nothing says what the blocks of its authors' Perception Encoder compute")
    plan = Plan(n_query_heads=tower.size("attn_pooler_heads", 8))
    plan_numbers(plan, tower)
    embedding, norm = plan.embedding, tower.find("ln_post")
    embedding.pool = read_pool(tower, "pool_type", "tok")
    if tower.has("attn_pool.query"):
        plan.query, embedding.pool = "coca", "attention"
        embedding.norm, embedding.raw = norm, True
    elif tower.value("final_ln_after_pool", bool, False):
        embedding.norm, embedding.raw = norm, True
    else:
        plan.final_norm = norm
    if tower.has("proj"):
        embedding.linear, embedding.transposed = tower.prefix + "proj", True
    return plan


def change_trunk(plan, tower):
    """What OpenCLIP makes of a tower of timm's, after its plan is made."""
    if tower.value("timm_pool", str) == "map":
        if plan.query != "timm":
            tower.refuse("timm_pool is map, but the trunk has no attn_pool")
    else:
        plan.embedding.pool = read_pool(tower, "timm_pool", "avg")
        plan.query = None
    plan.logits = []
    # null is not "not set" here.
    projection = tower.section.get("timm_proj", "linear")
    if projection is None:
        plan.embedding.linear = tower.find("head")
    elif projection == "linear":
        plan.embedding.linear = tower.find_outer("head.proj")
    elif projection not in ("none", ""):
        tower.refuse(f"timm_proj is {projection!r}; known are linear and none")
