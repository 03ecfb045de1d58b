# SPDX-License-Identifier: MIT
"""Which model a checkpoint is, by the config beside it, and where its vision tower
stands among the tensors.  What neither tells is refused: a config is needed."""
import fnmatch
import os
from dataclasses import dataclass

from .checkpoint import Checkpoint, Refused, read_json

# What ends the name of the patch weight, and the prefix tokens that may stand
# beside it.
TRANSFORMERS = {
    "embeddings.patch_embeddings.projection.weight":
        ("embeddings.cls_token", "embeddings.distillation_token",
         "embeddings.register_tokens"),
    "embeddings.patch_embeddings.weight":
        ("embeddings.cls_token", "embeddings.register_tokens"),
    "embeddings.patch_embedding.weight": ("embeddings.class_embedding",),
    "embeddings.patch_embed.weight": (),
    "patch_embed.proj.weight": ("cls_token", "register_tokens"),
}
TIMM = {"patch_embed.proj.weight": ("cls_token", "dist_token", "reg_token")}
OPEN_CLIP = {"conv1.weight": ("class_embedding",)}
LAYOUTS = {"transformers": TRANSFORMERS, "timm": TIMM, "open_clip": OPEN_CLIP}

# The largest number that vitencoder takes for a size, and base of rotary positions.
MAX_SIZE = 2**31 - 1
MAX_THETA = 1e9

# In a config of several parts.
NOT_TOWERS = "text", "decoder", "language", "llm", "qformer", "audio", "generator"


def value_of(path, section, key, kinds, default=None):
    """Of an object in the config at `path`; null is as good as none."""
    found = section.get(key)
    if found is None:
        return default
    if not isinstance(found, kinds) or isinstance(found, bool) and kinds is not bool:
        raise Refused(f"{path}: {key} is {found!r}, which it cannot be")
    return found


@dataclass
class Tower:
    checkpoint: Checkpoint
    config_path: str
    config: dict  # all of it
    section: dict  # what describes the tower
    package: str  # transformers, timm or open_clip
    name: str  # model_type or architecture; of open_clip "vision_cfg"
    is_trunk: bool  # a tower of timm's in a model of open_clip's
    prefix: str = ""  # of the names of its tensors
    embed_dim: int = 0
    prefix_tokens: dict = None  # {tensor without the prefix: how many}

    @property
    def n_prefix_tokens(self):
        return sum(self.prefix_tokens.values())

    def refuse(self, why):
        raise Refused(f"{self.config_path}: \"{self.name}\" cannot be exported: {why}")

    def has(self, name):
        return self.prefix + name in self.checkpoint

    def find(self, name):
        """The whole name of a tensor less ".weight", or None."""
        return self.prefix + name if self.has(name + ".weight") else None

    def find_outer(self, name):
        """The same beside the tower: in what it stands in, or at the root."""
        outer = self.prefix[:-1].rpartition(".")
        for prefix in (outer[0] + outer[1], ""):
            if prefix + name + ".weight" in self.checkpoint:
                return prefix + name
        return None

    def value(self, key, kinds, default=None, section=None):
        """Of the config; null is as good as none."""
        return value_of(self.config_path, self.section if section is None else section,
                        key, kinds, default)

    # In the ranges of vitencoder (src/files/section.c, src/encoder/plan_*.c).

    def size(self, key, default=None, section=None, least=1):
        found = self.value(key, int, section=section)
        if found is None:
            return default
        if not least <= found <= MAX_SIZE:
            raise Refused(f"{self.config_path}: {key} is {found}; expected {least} to "
                          f"{MAX_SIZE}")
        return found

    def fraction(self, key, default=None, section=None):
        found = self.value(key, (int, float), section=section)
        if found is None:
            return default
        if not 0 < found <= 1:
            raise Refused(f"{self.config_path}: {key} is {found}; expected a number above "
                          "0, at most 1")
        return float(found)

    def theta(self, key, default=None, section=None):
        """The base of rotary positions."""
        found = self.value(key, (int, float), section=section)
        if found is None:
            return default
        if not 1 < found <= MAX_THETA:
            raise Refused(f"{self.config_path}: {key} is {found}; expected a number above "
                          f"1, at most {MAX_THETA:g}")
        return float(found)


def find_inner(path, config, known, depth=2):
    """The objects in `config` that describe a tower of a known model_type."""
    for key, value in config.items():
        if not isinstance(value, dict) or key.startswith(NOT_TOWERS):
            continue
        kind = value_of(path, value, "model_type", str)
        if kind in known:
            yield value
        elif kind and depth > 1:
            yield from find_inner(path, value, known, depth - 1)


def describe_transformers(path, config, known):
    """(section, name)"""
    name = value_of(path, config, "model_type", str)
    # A model around a tower says what the tower is, or leaves its default.
    for key in "vision_config_dict", "vision_config", "backbone_config":
        section = config.get(key)
        if isinstance(section, dict) and name in known:
            return section, value_of(path, section, "model_type", str, name)
    if name in known:
        return config, name
    found = list(find_inner(path, config, known))
    if len(found) == 1:
        return found[0], found[0]["model_type"]
    return config, name


def describe(checkpoint, known):
    """A Tower without its tensors.  `known`: the types of transformers."""
    names = ["config.json", "open_clip_config.json"]
    if os.path.basename(checkpoint.path).startswith("open_clip_"):
        names.reverse()
    paths = [os.path.join(checkpoint.folder, name) for name in names]
    path = next((path for path in paths if os.path.exists(path)), None)
    if path is None:
        raise Refused(f"{checkpoint.path}: there is no config.json beside it, which says "
                      "what model this is")
    config = read_json(path)
    if "quantization_config" in config:
        raise Refused(f"{path}: its weights are quantised, or to be, by "
                      "quantization_config; give the model as it was before")
    if os.path.exists(os.path.join(checkpoint.folder, "adapter_config.json")):
        raise Refused(f"{checkpoint.folder}: holds an adapter (LoRA or the like); merge it "
                      "into the model, with peft's merge_and_unload(), and save that")
    model = value_of(path, config, "model_cfg", dict)
    if model is not None:
        section = value_of(path, model, "vision_cfg", dict, {})
        trunk = value_of(path, section, "timm_model_name", str)
        if trunk:
            return Tower(checkpoint, path, config, section, "timm", trunk, True)
        return Tower(checkpoint, path, config, section, "open_clip", "vision_cfg", False)
    architecture = value_of(path, config, "architecture", str)
    if architecture is not None:
        return Tower(checkpoint, path, config, config, "timm", architecture, False)
    if "model_type" not in config:
        raise Refused(f"{path}: has neither model_type nor architecture, so nothing says "
                      "what model this is")
    section, name = describe_transformers(path, config, known)
    return Tower(checkpoint, path, config, section, "transformers", str(name), False)


def locate(tower):
    """Fills what comes from the tensors."""
    checkpoint, layouts = tower.checkpoint, LAYOUTS[tower.package]
    found = [(name[:-len(end)], end) for name in checkpoint.names for end in layouts
             if name == end or name.endswith("." + end)]
    if tower.package == "open_clip":
        found = [(prefix, end) for prefix, end in found
                 if prefix + "class_embedding" in checkpoint]
    if len(found) != 1:
        raise Refused(f"{checkpoint.path}: expected one tensor whose name ends in "
                      f"{' or '.join(layouts)}; it has {len(found)}")
    tower.prefix, end = found[0]
    patches = tower.prefix + end
    if len(checkpoint.shape(patches)) not in (2, 4):
        checkpoint.refuse(patches, "which no patch weight is")
    tower.embed_dim = checkpoint.shape(patches)[0]
    tower.prefix_tokens = {}
    for name in layouts[end]:
        if tower.has(name):
            *_, count, width = (1, 1) + checkpoint.shape(tower.prefix + name)
            if width != tower.embed_dim:
                checkpoint.refuse(tower.prefix + name,
                                  f"but tokens have {tower.embed_dim} numbers")
            tower.prefix_tokens[name] = count


def matches(patterns, name):
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def first_match(table, name):
    """Of rows (pattern, value...) the values of the first that fits."""
    for pattern, *values in table:
        if fnmatch.fnmatchcase(name, pattern):
            return values[0] if len(values) == 1 else values
    return None
