# SPDX-License-Identifier: MIT
"""The families of Hugging Face's transformers: one row each, with the defaults of
its config class, which config.json may leave out."""
from dataclasses import dataclass

from .plan import Head, Plan, Rope, read_activation

FINAL_NORMS = "layernorm", "norm", "post_layernorm", "rms_norm"
# Those that use less of a tower than its own class does.
PARENTS = "llava", "paligemma", "depth_anything", "internvl"
# DINOv2's gated blocks are called gelu in its configs.
GATED_BY_SILU = "dinov2", "tipsv2", "depth_anything", "eomt"


@dataclass
class Row:
    types: str
    n_heads: int
    epsilon: float
    activation: str
    # Where its own final norm goes: "all" tokens, which makes the features; the
    # "embedding" alone, features are raw; "both"; "pooled": as use_mean_pooling
    # says; or none.
    norm: str
    embedding: str
    classifier: str = "embedding"
    rotary: bool = False

    @property
    def type(self):
        return self.types.split()[0]


ROWS = [
    Row("vit", 12, 1e-12, "gelu", "all", "token"),
    Row("deit", 12, 1e-12, "gelu", "all", "token"),
    Row("vit_mae", 12, 1e-12, "gelu", "all", "mean_patches"),
    Row("vit_msn", 12, 1e-6, "gelu", "all", "token"),
    Row("ijepa", 12, 1e-12, "gelu", "all", "mean_patches"),
    Row("beit", 12, 1e-12, "gelu", "pooled", "token"),
    Row("dinov2 dinov2_with_registers", 12, 1e-6, "gelu", "all", "token", "class_mean"),
    Row("tipsv2 tipsv2_vision_model", 12, 1e-6, "gelu", "all", "token", "class_mean"),
    Row("depth_anything", 6, 1e-6, "gelu", "all", ""),
    Row("dinov3_vit", 6, 1e-5, "gelu", "all", "token", "class_mean", rotary=True),
    Row("eomt", 16, 1e-6, "gelu", "", ""),
    Row("eomt_dinov3", 16, 1e-6, "gelu", "", "", rotary=True),
    Row("clip clip_vision_model metaclip_2 metaclip_2_vision_model chinese_clip "
        "chinese_clip_vision_model clipseg clipseg_vision_model",
        12, 1e-5, "quick_gelu", "embedding", "token", "mean_patches"),
    Row("llava", 16, 1e-5, "quick_gelu", "", ""),
    Row("owlvit owlvit_vision_model owlv2 owlv2_vision_model",
        12, 1e-5, "quick_gelu", "embedding", "token"),
    Row("siglip siglip_vision_model siglip2 siglip2_vision_model",
        12, 1e-6, "gelu_tanh", "all", "attention", "mean_patches"),
    Row("paligemma", 16, 1e-6, "gelu_tanh", "all", ""),
    Row("aimv2 aimv2_vision_model", 8, 1e-5, "silu", "all", "attention"),
    Row("internvl internvl_vision", 16, 1e-6, "gelu", "pooled", ""),
    Row("pixio", 16, 1e-6, "gelu", "all", "mean_prefix"),
    Row("blip blip_vision_model", 12, 1e-5, "gelu", "both", "token"),
]
ROW_OF = {name: row for row in ROWS for name in row.types.split()}


def check(tower):
    if tower.name.startswith("sam"):
        tower.refuse("its attention has windows and relative positions")
    if tower.name not in ROW_OF:
        tower.refuse(f"its blocks are not known; known are {', '.join(ROW_OF)}")
    if (tower.value("use_relative_position_bias", bool)
            or tower.value("use_shared_relative_position_bias", bool)):
        tower.refuse("its attention has relative positions")


def plan_numbers(plan, tower, row):
    plan.n_heads = tower.size("num_attention_heads", row.n_heads)
    plan.epsilon = tower.fraction("rms_norm_eps", tower.fraction(
        "layer_norm_eps", row.epsilon))
    plan.activation = read_activation(tower, "hidden_act", row.activation)
    if row.rotary:
        parameters = tower.value("rope_parameters", dict, {})
        plan.rope = Rope("dinov3", tower.theta("rope_theta", tower.theta(
            "rope_theta", 100.0), parameters))
    if row.type in GATED_BY_SILU:
        plan.gated_activation = "silu"


def plan_special(plan, tower, row):
    plan.inner_layers_normed = row.type == "depth_anything"
    if row.type.startswith("eomt"):
        plan.n_last_blocks = tower.size("num_blocks", 4, least=0)
    if row.type == "internvl":
        plan.query_norm_epsilon = 1e-6
    architectures = tower.value("architectures", list, [], tower.config) or [""]
    if (str(architectures[0]).endswith("Backbone") and row.norm == "all"
            and tower.value("apply_layernorm", bool, True)):
        plan.inner_layers_normed = True
    plan.rms = tower.value("norm_type", str) == "rms_norm"


def plan_mean_pooling(plan, tower, row):
    """BEiT and InternVL: with mean pooling, which is the default, features are raw,
    and the pooler's norm, where there is one, is on the mean of the patches."""
    plan.embedding = Head(row.embedding)
    if not tower.value("use_mean_pooling", bool, True):
        plan.final_norm = tower.find("layernorm")
        if not plan.final_norm:
            tower.refuse("use_mean_pooling is false, but there is no layernorm")
        return
    plan.embedding.norm = tower.find("pooler.layernorm")
    if plan.embedding.norm:
        plan.embedding.pool = "mean_patches"


def plan_norms(plan, tower, row):
    if row.norm == "pooled":
        plan_mean_pooling(plan, tower, row)
        return
    plan.embedding = Head(row.embedding)
    norm = next(filter(None, map(tower.find, FINAL_NORMS)), None)
    if not norm and row.norm == "all":
        tower.refuse("the norm behind its last block is not in the file")
    if row.norm in ("all", "both"):
        plan.final_norm = norm
    if row.norm in ("embedding", "both"):
        plan.embedding.norm = norm
    if row.norm == "embedding":
        plan.embedding.raw = True
        if not norm:
            plan.embedding.pool = ""


def plan_heads(plan, tower, row):
    embedding = plan.embedding
    if embedding.pool == "mean_prefix":
        embedding.n = tower.n_prefix_tokens
    if embedding.pool == "attention":
        plan.n_query_heads = plan.n_heads
        if row.type == "aimv2" and tower.has("head.cls_token"):
            plan.query = "aimv2"
        elif row.type != "aimv2" and tower.has("head.probe"):
            plan.query = "transformers"
        else:
            embedding.pool = ""
    if embedding.pool:
        embedding.linear = tower.find_outer("visual_projection")
    both = [tower.find_outer(name) for name in ("cls_classifier", "distillation_classifier")]
    classifier = tower.find_outer("classifier")
    if all(both):
        for n, linear in enumerate(both):
            plan.add_logits("token", linear, n)
    elif classifier:
        plan.add_logits(row.classifier, classifier, raw=row.norm == "embedding")


def make_plan(tower):
    row = ROW_OF[tower.name]
    plan = Plan()
    plan_numbers(plan, tower, row)
    if tower.config.get("model_type") in PARENTS:
        row = ROW_OF[tower.config["model_type"]]
    plan_special(plan, tower, row)
    plan_norms(plan, tower, row)
    plan_heads(plan, tower, row)
    return plan
