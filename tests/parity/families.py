# SPDX-License-Identifier: MIT
"""The families, as their own packages build them: a small model with random
weights each, saved the way the package saves, and a function that gives the
tensor entering its first transformer block.

Every function of PACKAGES takes the module of a package and yields Family
objects.  Frames come as float32 [1][3][height][width], normalised.
"""
import json
from dataclasses import dataclass
from typing import Any, Callable

import torch

IMAGENET = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
HALF = [0.5, 0.5, 0.5], [0.5, 0.5, 0.5]
CLIP = ([0.48145466, 0.4578275, 0.40821073],
        [0.26862954, 0.26130258, 0.27577711])
UNIT = [0.0, 0.0, 0.0], [1.0, 1.0, 1.0]

# Width x height.  The first is what most tables are made for; the packages
# that take any size get sizes that a patch divides and sizes that it does not.
ANY = [(224, 224), (320, 240), (131, 250), (230, 224), (160, 160)]
DIVIDED = [(224, 224), (320, 240), (128, 240), (160, 160)]
DIVIDED_14 = [(224, 224), (336, 182), (182, 336), (518, 518)]

D = 48  # embed_dim of all models here
SMALL = dict(hidden_size=D, num_hidden_layers=1, num_attention_heads=3,
             intermediate_size=D)
TEXT = dict(hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
            intermediate_size=32, vocab_size=99)


@dataclass
class Family:
    name: str
    build: Callable[[], Any]  # the model, whatever its weights
    save: Callable[[Any, Any], None]  # (model, folder)
    first_block: Callable[[Any, tuple], Any]  # (model, (width, height))
    run: Callable[[Any, torch.Tensor], Any]  # the forward pass, up to there
    normalisation: tuple
    sizes: list


class Reached(Exception):
    """The first block was called: what it was given is all that is wanted."""


def tokens_of(family, model, size, frame):
    """[n_tokens][embed_dim] as they enter the first block."""
    def reach(module, positional, named):
        raise Reached(positional[0] if positional else named["hidden_states"])

    model, block = family.first_block(model, size)
    hook = block.register_forward_pre_hook(reach, with_kwargs=True)
    try:
        with torch.no_grad():
            family.run(model, frame)
    except Reached as reached:
        tokens = reached.args[0]
        # [1][token][D], of SAM [1][rows][cols][D]
        return tokens.reshape(-1, tokens.shape[-1]).float().numpy()
    finally:
        hook.remove()
    raise AssertionError(f"{family.name}: its first block was never called")


def randomise(model, seed=0):
    """Values for all weights: those of a new model are often zero."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.is_floating_point():
                patch = weight.ndim >= 2 and "patch" in name
                weight.normal_(0.0, 0.05 if patch or weight.ndim == 4 else 0.5)
    return model.float().eval()


def find_block(tower):
    for name, module in tower.named_modules():
        if (isinstance(module, (torch.nn.ModuleList, torch.nn.Sequential))
                and len(module)
                and name.split(".")[-1] in ("layers", "layer", "blocks",
                                            "resblocks")):
            return module[0]
    raise AssertionError("no list of blocks")


# ---- transformers

class config:
    """A configuration that is made when its turn comes: a release that lacks
    it then lacks one family and not all."""

    def __init__(self, name, **values):
        self.name = name + "Config"
        self.values = values

    def make(self, package):
        values = {key: value.make(package) if isinstance(value, config)
                  else value for key, value in self.values.items()}
        return getattr(package, self.name)(**values)


def save_processor(package, model_type, normalisation, folder):
    """preprocessor_config.json, by the package where it can."""
    from transformers.models.auto.image_processing_auto import (
        IMAGE_PROCESSOR_MAPPING_NAMES)
    mean, std = normalisation
    values = dict(image_mean=mean, image_std=std)
    if normalisation is UNIT:
        values = dict(do_normalize=False)
    for backend in ("torchvision", "pil"):
        name = (IMAGE_PROCESSOR_MAPPING_NAMES.get(model_type) or {}).get(
            backend)
        try:
            getattr(package, name)(**values).save_pretrained(folder)
            return
        except (TypeError, AttributeError, ImportError):
            continue
    values.update(do_rescale=True, rescale_factor=1 / 255)
    (folder / "preprocessor_config.json").write_text(json.dumps(values))


def of_transformers(package):
    def family(name, model_class, config, normalisation=IMAGENET, sizes=ANY,
               tower="", run=None, interpolate=True, shard=None, dtype=None):
        def get_tower(model):
            return model.get_submodule(tower) if tower else model

        def build():
            return getattr(package, model_class)(config.make(package))

        def save(model, folder):
            if dtype:
                # Rounded first, so that both sides have the same weights.
                model.to(dtype).save_pretrained(folder)
                model.float()
            else:
                model.save_pretrained(
                    folder, **({"max_shard_size": shard} if shard else {}))
            save_processor(package, model.config.model_type, normalisation,
                           folder)

        def default_run(model, frame):
            options = {"interpolate_pos_encoding": True} if interpolate else {}
            get_tower(model)(frame, **options)

        return Family(name, build, save,
                      lambda model, size: (model, find_block(get_tower(model))),
                      run or default_run, normalisation, sizes)

    vit = dict(SMALL, image_size=224, patch_size=16)
    yield family("ViT", "ViTModel", config("ViT", **vit), HALF)
    yield family("ViT, patch 32", "ViTModel",
                 config("ViT", **dict(vit, patch_size=32)), HALF)
    yield family("ViT, sharded", "ViTModel", config("ViT", **vit), HALF,
                 shard="60KB")
    yield family("ViT, float16", "ViTModel", config("ViT", **vit), HALF,
                 dtype=torch.float16)
    yield family("ViT, bfloat16", "ViTForImageClassification",
                 config("ViT", **vit), HALF, dtype=torch.bfloat16, tower="vit")
    yield family("ViT, float64", "ViTModel", config("ViT", **vit), HALF,
                 dtype=torch.float64)
    yield family("DINO (ViT), patch 8", "ViTModel",
                 config("ViT", **dict(vit, patch_size=8)))
    yield family("DeiT distilled", "DeiTModel", config("DeiT", **vit))
    yield family("MSN", "ViTMSNModel", config("ViTMSN", **vit))
    yield family("MAE", "ViTMAEForPreTraining",
                 config("ViTMAE", mask_ratio=0.0, decoder_hidden_size=32,
                        decoder_num_hidden_layers=1,
                        decoder_num_attention_heads=2,
                        decoder_intermediate_size=32, **vit),
                 tower="vit", run=run_unmasked)
    yield family("I-JEPA", "IJepaModel", config("IJepa", **vit))
    yield family("BEiT, absolute positions", "BeitModel",
                 config("Beit", use_absolute_position_embeddings=True, **vit),
                 HALF, interpolate=False)
    yield family("Pixio", "PixioModel", config("Pixio", **vit),
                 interpolate=False)
    large = dict(SMALL, image_size=518, patch_size=14)
    yield family("DINOv2", "Dinov2Model", config("Dinov2", **large),
                 interpolate=False)
    yield family("DINOv2, no mask token", "Dinov2Model",
                 config("Dinov2", use_mask_token=False, **large),
                 interpolate=False)
    yield family("DINOv2, registers", "Dinov2WithRegistersModel",
                 config("Dinov2WithRegisters", num_register_tokens=4, **large),
                 interpolate=False)
    yield family("DINOv3", "DINOv3ViTModel",
                 config("DINOv3ViT", num_register_tokens=4, **vit),
                 interpolate=False)
    yield family("EoMT", "EomtForUniversalSegmentation",
                 config("Eomt", num_register_tokens=4, num_queries=5,
                        num_blocks=1, num_upscale_blocks=1,
                        **dict(vit, num_hidden_layers=2)),
                 sizes=[(224, 224)], interpolate=False)
    yield family("DPT", "DPTModel",
                 config("DPT", **dict(vit, backbone_out_indices=[0])), HALF,
                 interpolate=False)
    yield family("EoMT-DINOv3", "EomtDinov3ForUniversalSegmentation",
                 config("EomtDinov3", num_register_tokens=4, num_queries=5,
                        num_blocks=1, num_upscale_blocks=1,
                        **dict(vit, num_hidden_layers=2)),
                 sizes=[(224, 224)], interpolate=False)
    yield family("Depth Anything", "DepthAnythingForDepthEstimation",
                 config("DepthAnything",
                        backbone_config=config("Dinov2", out_indices=[1],
                                               **large),
                        reassemble_hidden_size=D, neck_hidden_sizes=[8],
                        reassemble_factors=[1], fusion_hidden_size=8),
                 tower="backbone", interpolate=False)
    tips = dict(large, image_size=448)
    yield family("TIPSv2, vision tower", "Tipsv2VisionModel",
                 config("Tipsv2Vision", **tips), UNIT, interpolate=False)
    yield family("TIPSv2", "Tipsv2Model",
                 config("Tipsv2", vision_config=dict(tips),
                        text_config=dict(TEXT, hidden_size=D)),
                 UNIT, tower="vision_model", interpolate=False)

    for name, start in (("CLIP", "CLIP"), ("MetaCLIP 2", "MetaClip2"),
                        ("Chinese CLIP", "ChineseCLIP"),
                        ("CLIPSeg", "CLIPSeg"), ("OWL-ViT", "OwlViT"),
                        ("OWLv2", "Owlv2"), ("BLIP", "Blip"),
                        ("SigLIP", "Siglip")):
        normal = HALF if start == "Siglip" else CLIP
        yield family(f"{name}, vision tower", start + "VisionModel",
                     config(start + "Vision", **vit), normal)
        yield family(name, start + "Model",
                     config(start, vision_config=dict(vit),
                            text_config=dict(TEXT)), normal,
                     tower="vision_model")
    yield family("CLIP L/14 at 336", "CLIPVisionModel",
                 config("CLIPVision", **dict(vit, patch_size=14,
                                             image_size=336)), CLIP)
    yield family("SigLIP So400m/14 at 384", "SiglipVisionModel",
                 config("SiglipVision", **dict(vit, patch_size=14,
                                               image_size=384)), HALF,
                 sizes=ANY + [(384, 384)])
    yield family("OWLv2, detector", "Owlv2ForObjectDetection",
                 config("Owlv2", vision_config=dict(vit),
                        text_config=dict(TEXT)), CLIP,
                 tower="owlv2.vision_model")
    yield family("CLIPSeg, segmenter", "CLIPSegForImageSegmentation",
                 config("CLIPSeg", vision_config=dict(vit),
                        text_config=dict(TEXT), extract_layers=[0],
                        reduce_dim=8, decoder_num_attention_heads=2,
                        decoder_intermediate_size=8), CLIP,
                 tower="clip.vision_model")
    yield family("SigLIP 2 NaFlex", "Siglip2VisionModel",
                 config("Siglip2Vision", patch_size=16, num_patches=256,
                        **SMALL), HALF, sizes=DIVIDED, run=run_naflex)
    yield family("SAM", "SamModel",
                 config("Sam", vision_config=dict(
                     SMALL, mlp_dim=D, image_size=224, patch_size=16,
                     output_channels=16, global_attn_indexes=[0],
                     window_size=0)),
                 sizes=[(224, 224)], tower="vision_encoder", interpolate=False)
    aim = dict(vit, patch_size=16)
    yield family("AIMv2", "Aimv2VisionModel", config("Aimv2Vision", **aim),
                 CLIP, sizes=[(224, 224)], interpolate=False)
    yield family("AIMv2 native", "Aimv2VisionModel",
                 config("Aimv2Vision", is_native=True, **aim), CLIP,
                 interpolate=False)
    yield family("AIMv2, with text", "Aimv2Model",
                 config("Aimv2", vision_config=dict(aim),
                        text_config=dict(TEXT)), CLIP, sizes=[(224, 224)],
                 tower="vision_model", interpolate=False)
    llama = config("Llama", num_key_value_heads=2, **TEXT)
    yield family("LLaVA", "LlavaForConditionalGeneration",
                 config("Llava", text_config=llama, image_token_index=98,
                        vision_config=config("CLIPVision", **vit)), CLIP,
                 tower="model.vision_tower")
    yield family("PaliGemma", "PaliGemmaForConditionalGeneration",
                 config("PaliGemma", projection_dim=32, image_token_index=98,
                        vision_config=config("SiglipVision", **vit),
                        text_config=config("Gemma", num_key_value_heads=1,
                                           head_dim=16, **TEXT)), HALF,
                 tower="model.vision_tower")
    intern = dict(SMALL, image_size=[224, 224], patch_size=[16, 16])
    yield family("InternVL, vision tower", "InternVLVisionModel",
                 config("InternVLVision", **intern), interpolate=False)
    yield family("InternVL", "InternVLForConditionalGeneration",
                 config("InternVL", text_config=llama, image_token_id=98,
                        vision_config=config("InternVLVision", **intern)),
                 tower="model.vision_tower", interpolate=False)


def run_unmasked(model, frame):
    """MAE shuffles its patches; noise in ascending order keeps them."""
    patch = model.config.patch_size
    n = (frame.shape[2] // patch) * (frame.shape[3] // patch)
    model.vit(frame, noise=torch.arange(n, dtype=torch.float32)[None] / n,
              interpolate_pos_encoding=True)


def run_naflex(model, frame):
    """Patches as the package's own processor cuts them."""
    from transformers.models.siglip2 import image_processing_pil_siglip2 as own
    size = model.config.patch_size
    patches = own.convert_image_to_patches(frame[0].numpy(), size)
    rows, cols = frame.shape[2] // size, frame.shape[3] // size
    model(torch.from_numpy(patches)[None],
          torch.ones(1, rows * cols, dtype=torch.long),
          torch.tensor([[rows, cols]]))


# ---- timm

def of_timm(package):
    def family(architecture, sizes=DIVIDED, normalisation=None, name=None,
               dynamic=True, **values):
        values = dict(dict(embed_dim=D, depth=1, num_heads=3, num_classes=10),
                      **values)
        if dynamic:
            values["dynamic_img_size"] = True

        def build():
            return package.create_model(architecture, **values)

        def save(model, folder):
            package.models.save_for_hf(model, folder, model_args=values,
                                       safe_serialization=True)

        config = package.get_pretrained_cfg(architecture)
        own = list(config.mean), list(config.std)
        return Family(name or architecture, build, save,
                      lambda model, size: (model, find_block(model)),
                      lambda model, frame: model.forward_features(frame),
                      normalisation or own, sizes)

    yield family("vit_base_patch16_224")
    yield family("vit_small_patch16_224.dino")
    yield family("vit_base_patch16_224.mae")
    yield family("vit_base_patch16_224_miil")
    yield family("deit_base_patch16_224")
    yield family("deit_base_distilled_patch16_224")
    yield family("deit3_base_patch16_224")
    # A table that is not square, on grids of as many patches and of others.
    oblong = [(128, 32), (64, 64), (32, 128), (256, 16), (96, 48)]
    for architecture in ("vit_tiny_patch16_224", "vit_base_patch16_siglip_224",
                         "deit_base_distilled_patch16_224",
                         "deit3_base_patch16_224", "eva02_base_patch16_clip_224",
                         "vit_pe_spatial_base_patch16_512"):
        yield family(architecture, oblong, name=architecture + ", 2 x 8",
                     img_size=(32, 128))
    for architecture in ("vit_small_patch16_rope_224",
                         "vit_small_patch16_rope_mixed_224",
                         "vit_small_patch16_rope_ape_224",
                         "vit_medium_patch16_rope_reg1_gap_256"):
        yield family(architecture, embed_dim=96)
    yield family("vit_small_patch14_dinov2", DIVIDED_14)
    yield family("vit_small_patch14_reg4_dinov2", DIVIDED_14)
    yield family("vit_small_patch16_dinov3")
    yield family("vit_base_patch16_dinov3_qkvb")
    yield family("vit_base_patch16_clip_224")
    yield family("vit_base_patch32_clip_224", [(224, 224), (320, 256)])
    yield family("vit_base_patch16_siglip_224")
    yield family("vit_so400m_patch14_siglip_384", [(384, 384)], dynamic=False)
    yield family("vit_medium_patch16_reg4_gap_256",
                 [(256, 256)] + DIVIDED)
    yield family("flexivit_base", [(240, 240)] + DIVIDED)
    yield family("eva_giant_patch14_224", DIVIDED_14)
    yield family("eva02_tiny_patch14_224", DIVIDED_14)
    yield family("eva02_base_patch16_clip_224")
    yield family("vit_pe_core_base_patch16_224", attn_pool_num_heads=3)
    yield family("vit_pe_lang_large_patch14_448",
                 [(448, 448), (224, 224), (336, 182)])
    yield family("vit_pe_spatial_base_patch16_512", [(512, 512)] + DIVIDED)
    yield family("samvit_base_patch16", [(224, 224)], dynamic=False,
                 global_attn_indexes=(0,), img_size=224)
    yield family("beit3_base_patch16_224")
    yield family("aimv2_large_patch14_224", DIVIDED_14)
    yield family("naflexvit_base_patch16_gap", dynamic=False)
    yield family("naflexvit_base_patch16_map", dynamic=False)
    yield family("naflexvit_base_patch16_siglip", dynamic=False)


# ---- open_clip

def of_open_clip(package):
    def family(name, vision, normalisation=CLIP, sizes=ANY):
        text = dict(context_length=77, vocab_size=99, width=32, heads=2,
                    layers=1)
        vision = dict(dict(image_size=224, layers=1, width=D, head_width=16,
                           patch_size=16), **vision)
        mean, std = normalisation

        def build(size=224):
            return package.CLIP(embed_dim=16, text_cfg=text,
                                vision_cfg=dict(vision, image_size=size))

        def save(model, folder):
            from safetensors.torch import save_file
            save_file(model.state_dict(),
                      folder / "open_clip_model.safetensors")
            (folder / "open_clip_config.json").write_text(json.dumps({
                "model_cfg": {"embed_dim": 16, "vision_cfg": vision,
                              "text_cfg": text},
                "preprocess_cfg": {"mean": mean, "std": std}}))

        def at_size(model, size):
            """It resamples when it loads, for the one size it then takes."""
            if "timm_model_name" in vision:
                return model, find_block(model.visual.trunk)
            state = dict(model.state_dict())
            resized = build((size[1], size[0]))
            package.model.resize_pos_embed(state, resized)
            resized.load_state_dict(state)
            return resized.eval(), find_block(resized.visual)

        return Family(name, build, save, at_size,
                      lambda model, frame: model.encode_image(frame),
                      normalisation, sizes)

    yield family("CLIP", {})
    yield family("CLIP, no_ln_pre", {"no_ln_pre": True})
    yield family("CLIP, norm_kwargs", {"norm_kwargs": {"eps": 0.1}})
    yield family("CLIP B/32", {"patch_size": 32})
    timm = dict(timm_model_pretrained=False, timm_pool="map", timm_proj="none",
                timm_drop_path=None)
    yield family("SigLIP (timm trunk)",
                 dict(timm, timm_model_name="vit_base_patch16_siglip_224"),
                 HALF, [(224, 224)])


PACKAGES = {"transformers": of_transformers, "timm": of_timm,
            "open_clip": of_open_clip}


# ---- what must be refused

def refused_by_transformers(package):
    """(name, build) of models that are no plain ViT."""
    small = dict(SMALL, image_size=224, patch_size=16)
    rows = [
        ("swin", "SwinModel", config("Swin", embed_dim=12, depths=[1],
                                     num_heads=[2])),
        ("segformer", "SegformerModel",
         config("Segformer", num_encoder_blocks=1, depths=[1],
                hidden_sizes=[16], num_attention_heads=[1], sr_ratios=[1],
                strides=[4], patch_sizes=[7], mlp_ratios=[1])),
        ("pvt", "PvtModel", config("Pvt", depths=[1, 1, 1, 1],
                                   hidden_sizes=[8, 8, 8, 8],
                                   num_attention_heads=[1, 1, 1, 1])),
        ("convnext", "ConvNextModel", config("ConvNext", depths=[1],
                                             hidden_sizes=[8], num_stages=1)),
        ("yolos", "YolosModel", config("Yolos", **dict(
            small, image_size=[224, 224]))),
        ("videomae", "VideoMAEModel", config("VideoMAE", **small)),
        ("vivit", "VivitModel", config("Vivit", **small)),
        ("vjepa2", "VJEPA2Model",
         config("VJEPA2", pred_hidden_size=24, pred_num_hidden_layers=1,
                pred_num_attention_heads=3, **small)),
        ("beit, relative positions", "BeitModel",
         config("Beit", use_relative_position_bias=True, **small)),
        # Its tensors alone are SigLIP's to the last name and shape.
        ("idefics3", "Idefics3VisionTransformer",
         config("Idefics3Vision", **small)),
        ("bert", "BertModel", config("Bert", **TEXT)),
        ("clip_text_model", "CLIPTextModel", config("CLIPText", **TEXT)),
        ("resnet", "ResNetModel", config("ResNet", embedding_size=8,
                                         depths=[1], hidden_sizes=[8])),
        ("qwen3_vl_vision", "Qwen3VLVisionModel",
         config("Qwen3VLVision", depth=1, hidden_size=D, num_heads=3,
                intermediate_size=D, out_hidden_size=32,
                deepstack_visual_indexes=[0])),
    ]
    for name, model_class, values in rows:
        def build(model_class=model_class, values=values):
            return getattr(package, model_class)(values.make(package))

        yield name, build
