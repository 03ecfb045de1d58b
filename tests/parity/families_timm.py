# SPDX-License-Identifier: MIT
"""The families of timm."""
from families import D, DIVIDED, DIVIDED_14, Family, find_block


def outputs(model, frame):
    features = model.forward_features(frame)
    return {"features": features,
            "embedding": model.forward_head(features, pre_logits=True),
            # Of two classifiers it is their mean.
            "logits": model.forward_head(features)
            if model.num_classes else None}


def families(package):
    def family(architecture, sizes=DIVIDED, normalisation=None, name=None,
               dynamic=True, refusal="", **values):
        values = dict(dict(embed_dim=D, depth=2, num_heads=3, num_classes=10),
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
                      outputs, normalisation or own, sizes, refusal)

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
        yield family(architecture, embed_dim=96,
                     refusal="learnt" if "mixed" in architecture else "")
    yield family("vit_small_patch14_dinov2", DIVIDED_14)
    yield family("vit_small_patch14_reg4_dinov2", DIVIDED_14)
    yield family("vit_giant_patch14_dinov2", DIVIDED_14)
    yield family("vit_small_patch16_dinov3")
    yield family("vit_base_patch16_dinov3_qkvb")
    yield family("vit_small_plus_patch16_dinov3")
    yield family("vit_base_patch16_lingbot")
    yield family("vit_base_patch14_reg1_tipsv2", DIVIDED_14)
    yield family("vit_base_patch16_radio_v3")
    yield family("vit_intern300m_patch14_448", [(448, 448)] + DIVIDED_14[:3])
    yield family("vit_base_patch16_clip_224")
    yield family("vit_base_patch16_clip_quickgelu_224")
    yield family("vit_base_patch32_clip_224", [(224, 224), (320, 256)])
    yield family("vit_base_patch16_siglip_224")
    yield family("vit_base_patch16_siglip_gap_224")
    yield family("vit_so400m_patch16_siglip_256", [(256, 256)] + DIVIDED)
    yield family("vit_so400m_patch14_siglip_384", [(384, 384)], dynamic=False)
    yield family("vit_medium_patch16_reg4_gap_256",
                 [(256, 256)] + DIVIDED)
    yield family("flexivit_base", [(240, 240)] + DIVIDED)
    yield family("eva_giant_patch14_224", DIVIDED_14)
    yield family("eva_large_patch14_196", [(196, 196)] + DIVIDED_14)
    yield family("eva02_tiny_patch14_224", DIVIDED_14)
    yield family("eva02_base_patch14_224", DIVIDED_14)
    yield family("eva02_base_patch16_clip_224")
    yield family("vit_pe_core_base_patch16_224", attn_pool_num_heads=3)
    yield family("vit_pe_lang_large_patch14_448",
                 [(448, 448), (224, 224), (336, 182)])
    yield family("vit_pe_spatial_base_patch16_512", [(512, 512)] + DIVIDED)
    yield family("samvit_base_patch16", [(224, 224)], dynamic=False,
                 refusal="windows and relative positions", global_attn_indexes=(0,), img_size=224)
    yield family("beit3_base_patch16_224")
    yield family("aimv2_large_patch14_224", DIVIDED_14)
    for pool in "gap", "map", "siglip":
        yield family(f"naflexvit_base_patch16_{pool}", dynamic=False,
                     refusal="no table of its defaults")
