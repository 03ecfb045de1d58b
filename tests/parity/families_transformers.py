# SPDX-License-Identifier: MIT
"""The families of transformers, and what it has that is no plain ViT."""
import json

import torch

from families import (ANY, CLIP, D, DIVIDED, HALF, IMAGENET, SMALL, TEXT, UNIT,
                      Family, find_block)


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


# Of a tower's own output: the features, and what families make of them.

def last_hidden(model, found):
    return found.last_hidden_state


def class_token(model, found, features):
    return features[:, 0]


def mean(model, found, features):
    return features.mean(1)


def mean_patches(model, found, features):
    return features[:, 1:].mean(1)


def pooled(model, found, features):
    return found.pooler_output


def projected(model, found, features):
    maps = [module for name, module in model.named_modules()
            if name.split(".")[-1] == "visual_projection"]
    return maps[0](found.pooler_output)


def last_feature_map(model, found):
    return found.feature_maps[-1]


def as_it_is(model, found):
    return found


def families(package):
    def family(name, model_class, config, normalisation=IMAGENET, sizes=ANY,
               tower="", run=None, interpolate=True, shard=None, dtype=None,
               embedding=class_token, features=last_hidden, logits=False,
               refusal=""):
        options = {"interpolate_pos_encoding": True} if interpolate else {}

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
            return get_tower(model)(frame, **options)

        def outputs(model, frame):
            found = (run or default_run)(model, frame)
            made = features(model, found)
            return {"features": made,
                    "embedding": embedding and embedding(model, found, made),
                    "logits": model(frame, **options).logits if logits
                    else None}

        return Family(name, build, save,
                      lambda model, size: (model, find_block(get_tower(model))),
                      run or default_run, outputs, normalisation, sizes,
                      refusal)

    vit = dict(SMALL, image_size=224, patch_size=16)
    labels = dict(num_labels=5)
    yield family("ViT", "ViTModel", config("ViT", **vit), HALF)
    yield family("ViT, patch 32", "ViTModel",
                 config("ViT", **dict(vit, patch_size=32)), HALF)
    yield family("ViT, sharded", "ViTModel", config("ViT", **vit), HALF,
                 shard="60KB")
    yield family("ViT, float16", "ViTModel", config("ViT", **vit), HALF,
                 dtype=torch.float16)
    yield family("ViT, bfloat16, classifier", "ViTForImageClassification",
                 config("ViT", **labels, **vit), HALF, dtype=torch.bfloat16,
                 tower="vit", logits=True)
    yield family("ViT, float64", "ViTModel", config("ViT", **vit), HALF,
                 dtype=torch.float64)
    yield family("DINO (ViT), patch 8", "ViTModel",
                 config("ViT", **dict(vit, patch_size=8)))
    yield family("DeiT distilled", "DeiTModel", config("DeiT", **vit))
    yield family("DeiT distilled, both classifiers",
                 "DeiTForImageClassificationWithTeacher",
                 config("DeiT", **labels, **vit), tower="deit", logits=True)
    yield family("MSN", "ViTMSNModel", config("ViTMSN", **vit))
    yield family("MSN, classifier", "ViTMSNForImageClassification",
                 config("ViTMSN", **labels, **vit), tower="vit", logits=True)
    yield family("MAE", "ViTMAEForPreTraining",
                 config("ViTMAE", mask_ratio=0.0, decoder_hidden_size=32,
                        decoder_num_hidden_layers=1,
                        decoder_num_attention_heads=2,
                        decoder_intermediate_size=32, **vit),
                 tower="vit", run=run_unmasked, embedding=mean_patches)
    yield family("I-JEPA", "IJepaModel", config("IJepa", **vit),
                 embedding=mean)
    yield family("I-JEPA, classifier", "IJepaForImageClassification",
                 config("IJepa", **labels, **vit), tower="ijepa",
                 embedding=mean, logits=True)
    beit = dict(vit, use_absolute_position_embeddings=True)
    yield family("BEiT, absolute positions", "BeitModel",
                 config("Beit", **beit), HALF, interpolate=False,
                 embedding=pooled)
    yield family("BEiT, class token", "BeitModel",
                 config("Beit", use_mean_pooling=False, **beit), HALF,
                 interpolate=False, embedding=pooled)
    yield family("BEiT, classifier", "BeitForImageClassification",
                 config("Beit", **labels, **beit), HALF, tower="beit",
                 interpolate=False, embedding=pooled, logits=True)
    yield family("Pixio", "PixioModel",
                 config("Pixio", mlp_ratio=2, **vit), interpolate=False,
                 embedding=pooled)
    large = dict(SMALL, image_size=518, patch_size=14)
    yield family("DINOv2", "Dinov2Model", config("Dinov2", **large),
                 interpolate=False)
    yield family("DINOv2, no mask token", "Dinov2Model",
                 config("Dinov2", use_mask_token=False, **large),
                 interpolate=False)
    yield family("DINOv2, gated", "Dinov2Model",
                 config("Dinov2", use_swiglu_ffn=True, **large),
                 interpolate=False)
    yield family("DINOv2, classifier", "Dinov2ForImageClassification",
                 config("Dinov2", **labels, **large), tower="dinov2",
                 interpolate=False, logits=True)
    yield family("DINOv2, registers", "Dinov2WithRegistersModel",
                 config("Dinov2WithRegisters", num_register_tokens=4, **large),
                 interpolate=False)
    yield family("DINOv2, registers, classifier",
                 "Dinov2WithRegistersForImageClassification",
                 config("Dinov2WithRegisters", num_register_tokens=4, **labels,
                        **large), tower="dinov2_with_registers",
                 interpolate=False, logits=True)
    dino = dict(vit, num_register_tokens=4)
    yield family("DINOv3", "DINOv3ViTModel", config("DINOv3ViT", **dino),
                 interpolate=False)
    yield family("DINOv3, gated", "DINOv3ViTModel",
                 config("DINOv3ViT", use_gated_mlp=True, hidden_act="silu",
                        **dino), interpolate=False)
    eomt = dict(dino, num_hidden_layers=3, num_queries=5, num_blocks=1,
                num_upscale_blocks=1)
    yield family("EoMT", "EomtForUniversalSegmentation",
                 config("Eomt", **eomt), sizes=[(224, 224)], run=run_eomt,
                 embedding=None, features=as_it_is)
    yield family("DPT", "DPTModel",
                 config("DPT", **dict(vit, backbone_out_indices=[0])), HALF,
                 interpolate=False, refusal="not those of a plain ViT")
    yield family("EoMT-DINOv3", "EomtDinov3ForUniversalSegmentation",
                 config("EomtDinov3", **eomt), sizes=[(224, 224)],
                 run=run_eomt, embedding=None, features=as_it_is)
    yield family("Depth Anything", "DepthAnythingForDepthEstimation",
                 config("DepthAnything",
                        backbone_config=config("Dinov2", out_indices=[2],
                                               reshape_hidden_states=False,
                                               **large),
                        reassemble_hidden_size=D, neck_hidden_sizes=[8],
                        reassemble_factors=[1], fusion_hidden_size=8),
                 tower="backbone", interpolate=False, embedding=None,
                 features=last_feature_map)
    tips = dict(large, image_size=448)
    yield family("TIPSv2, vision tower", "Tipsv2VisionModel",
                 config("Tipsv2Vision", **tips), UNIT, interpolate=False)
    yield family("TIPSv2, gated", "Tipsv2VisionModel",
                 config("Tipsv2Vision", use_swiglu_ffn=True, **tips), UNIT,
                 interpolate=False)
    yield family("TIPSv2", "Tipsv2Model",
                 config("Tipsv2", vision_config=dict(tips),
                        text_config=dict(TEXT, hidden_size=D)),
                 UNIT, tower="vision_model", interpolate=False)

    for name, start in (("CLIP", "CLIP"), ("MetaCLIP 2", "MetaClip2"),
                        ("Chinese CLIP", "ChineseCLIP"),
                        ("CLIPSeg", "CLIPSeg"), ("OWL-ViT", "OwlViT"),
                        ("OWLv2", "Owlv2"), ("BLIP", "Blip"),
                        ("SigLIP", "Siglip")):
        siglip = start == "Siglip"
        normal = HALF if siglip else CLIP
        # Of both towers, where others have projections.
        text = dict(TEXT, projection_size=D) if siglip else dict(TEXT)
        yield family(f"{name}, vision tower", start + "VisionModel",
                     config(start + "Vision", **vit), normal, embedding=pooled)
        yield family(name, start + "Model",
                     config(start, vision_config=dict(vit),
                            text_config=text), normal,
                     tower="vision_model",
                     embedding=pooled if siglip else projected)
    two = dict(vision_config=dict(vit),
               text_config=dict(TEXT, projection_dim=D))
    for name, start, normal in (("CLIP", "CLIP", CLIP),
                                ("MetaCLIP 2", "MetaClip2", CLIP),
                                ("SigLIP", "Siglip", HALF)):
        yield family(f"{name}, classifier", start + "ForImageClassification",
                     config(start, **labels, **two), normal,
                     tower="vision_model", embedding=pooled, logits=True)
    yield family("CLIP L/14 at 336", "CLIPVisionModel",
                 config("CLIPVision", **dict(vit, patch_size=14,
                                             image_size=336)), CLIP,
                 embedding=pooled)
    yield family("SigLIP So400m/14 at 384", "SiglipVisionModel",
                 config("SiglipVision", **dict(vit, patch_size=14,
                                               image_size=384)), HALF,
                 sizes=ANY + [(384, 384)], embedding=pooled)
    yield family("SigLIP, no head", "SiglipVisionModel",
                 config("SiglipVision", vision_use_head=False, **vit), HALF,
                 embedding=None)
    yield family("OWLv2, detector", "Owlv2ForObjectDetection",
                 config("Owlv2", vision_config=dict(vit),
                        text_config=dict(TEXT)), CLIP,
                 tower="owlv2.vision_model", embedding=projected)
    yield family("CLIPSeg, segmenter", "CLIPSegForImageSegmentation",
                 config("CLIPSeg", vision_config=dict(vit),
                        text_config=dict(TEXT), extract_layers=[0],
                        reduce_dim=8, decoder_num_attention_heads=2,
                        decoder_intermediate_size=8), CLIP,
                 tower="clip.vision_model", embedding=projected)
    yield family("SigLIP 2 NaFlex", "Siglip2VisionModel",
                 config("Siglip2Vision", patch_size=16, num_patches=256,
                        **SMALL), HALF, sizes=DIVIDED, run=run_naflex,
                 embedding=pooled)
    yield family("SAM", "SamModel",
                 config("Sam", vision_config=dict(
                     SMALL, mlp_dim=D, image_size=224, patch_size=16,
                     output_channels=16, global_attn_indexes=[0],
                     window_size=0)),
                 sizes=[(224, 224)], tower="vision_encoder", interpolate=False,
                 refusal="windows and relative positions")
    yield family("AIMv2", "Aimv2VisionModel", config("Aimv2Vision", **vit),
                 CLIP, sizes=[(224, 224)], interpolate=False, embedding=pooled)
    yield family("AIMv2, no head", "Aimv2VisionModel",
                 config("Aimv2Vision", use_head=False, qkv_bias=True,
                        mlp_bias=True, **vit),
                 CLIP, sizes=[(224, 224)], interpolate=False, embedding=None)
    yield family("AIMv2 native", "Aimv2VisionModel",
                 config("Aimv2Vision", is_native=True, **vit), CLIP,
                 interpolate=False, embedding=pooled)
    yield family("AIMv2, with text", "Aimv2Model",
                 config("Aimv2", vision_config=dict(vit),
                        text_config=dict(TEXT)), CLIP, sizes=[(224, 224)],
                 tower="vision_model", interpolate=False, embedding=projected)
    llama = config("Llama", num_key_value_heads=2, **TEXT)
    yield family("LLaVA", "LlavaForConditionalGeneration",
                 config("Llava", text_config=llama, image_token_index=98,
                        vision_config=config("CLIPVision", **vit)), CLIP,
                 tower="model.vision_tower", embedding=None)
    yield family("PaliGemma", "PaliGemmaForConditionalGeneration",
                 config("PaliGemma", projection_dim=32, image_token_index=98,
                        vision_config=config("SiglipVision", **vit),
                        text_config=config("Gemma", num_key_value_heads=1,
                                           head_dim=16, **TEXT)), HALF,
                 tower="model.vision_tower", embedding=None)
    intern = dict(SMALL, image_size=[224, 224], patch_size=[16, 16])
    yield family("InternVL, vision tower", "InternVLVisionModel",
                 config("InternVLVision", **intern), interpolate=False,
                 embedding=None)
    yield family("InternVL, RMS norms", "InternVLVisionModel",
                 config("InternVLVision", use_mean_pooling=False,
                        norm_type="rms_norm", use_qk_norm=True,
                        attention_bias=True, **intern), interpolate=False,
                 embedding=None)
    yield family("InternVL", "InternVLForConditionalGeneration",
                 config("InternVL", text_config=llama, image_token_id=98,
                        vision_config=config("InternVLVision", **intern)),
                 tower="model.vision_tower", interpolate=False,
                 embedding=None)


def run_eomt(model, frame):
    """The output of the last block before its queries join."""
    last = model.layers[len(model.layers) - model.config.num_blocks - 1]
    found = []
    hook = last.register_forward_hook(
        lambda module, given, output: found.append(
            output[0] if isinstance(output, tuple) else output))
    try:
        model(frame)
    finally:
        hook.remove()
    return found[0]


def run_unmasked(model, frame):
    """MAE shuffles its patches; noise in ascending order keeps them."""
    patch = model.config.patch_size
    n = (frame.shape[2] // patch) * (frame.shape[3] // patch)
    return model.vit(
        frame, noise=torch.arange(n, dtype=torch.float32)[None] / n,
        interpolate_pos_encoding=True)


def run_naflex(model, frame):
    """Patches as the package's own processor cuts them."""
    from transformers.models.siglip2 import image_processing_pil_siglip2 as own
    size = model.config.patch_size
    patches = own.convert_image_to_patches(frame[0].numpy(), size)
    rows, cols = frame.shape[2] // size, frame.shape[3] // size
    return model(torch.from_numpy(patches)[None],
                 torch.ones(1, rows * cols, dtype=torch.long),
                 torch.tensor([[rows, cols]]))



def refused(package):
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
