# SPDX-License-Identifier: MIT
"""The families of open_clip."""
import json

from families import ANY, CLIP, D, HALF, Family, find_block

TEXT = dict(context_length=77, vocab_size=99, width=32, heads=2, layers=1)


def outputs(model, frame):
    """It has no name for features: they are the last norm's output where that
    is over all tokens, else the last block's; of a trunk of timm timm's."""
    found = {}

    def keep(name):
        def hook(module, given, output):
            found[name] = output
        return hook

    tower = model.visual
    if hasattr(tower, "trunk"):
        return {"features": tower.trunk.forward_features(frame),
                "embedding": model.encode_image(frame, normalize=False)}
    hooks = [tower.transformer.register_forward_hook(keep("raw")),
             tower.ln_post.register_forward_hook(keep("normed"))]
    embedding = model.encode_image(frame, normalize=False)
    for hook in hooks:
        hook.remove()
    over_all = found["normed"].shape == found["raw"].shape
    return {"features": found["normed" if over_all else "raw"],
            "embedding": embedding}


def families(package):
    def family(name, vision, normalisation=CLIP, sizes=ANY, **more):
        vision = dict(dict(image_size=224, layers=2, width=D, head_width=16,
                           patch_size=16), **vision)
        mean, std = normalisation
        # A trunk without a projection gives its own width.
        embed_dim = 768 if vision.get("timm_proj") == "none" else 16

        def build(size=224):
            made = dict(embed_dim=embed_dim, vision_cfg=dict(vision, image_size=size),
                        **more)
            if vision.get("attentional_pool"):
                return package.CoCa(
                    multimodal_cfg=dict(TEXT, context_length=76),
                    text_cfg=dict(TEXT, embed_cls=True, output_tokens=True),
                    **made)
            return package.CLIP(text_cfg=TEXT, **made)

        def save(model, folder):
            from safetensors.torch import save_file
            save_file(model.state_dict(),
                      folder / "open_clip_model.safetensors")
            (folder / "open_clip_config.json").write_text(json.dumps({
                "model_cfg": {"embed_dim": embed_dim, "vision_cfg": vision,
                              "text_cfg": TEXT, **more},
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
                      outputs, normalisation, sizes)

    yield family("CLIP", {})
    yield family("CLIP, no_ln_pre", {"no_ln_pre": True})
    yield family("CLIP, quick_gelu", {}, quick_gelu=True)
    yield family("CLIP, mean", {"pool_type": "avg", "ls_init_value": 0.1})
    yield family("CLIPA", {"pool_type": "avg", "final_ln_after_pool": True,
                           "act_kwargs": {"approximate": "tanh"}})
    yield family("CoCa", {"attentional_pool": True, "attn_pooler_heads": 4,
                          "output_tokens": True})
    yield family("CLIP, norm_kwargs", {"norm_kwargs": {"eps": 0.1}})
    yield family("CLIP B/32", {"patch_size": 32})
    timm = dict(timm_model_pretrained=False, timm_pool="map", timm_proj="none",
                timm_drop_path=None)
    yield family("SigLIP (timm trunk)",
                 dict(timm, timm_model_name="vit_base_patch16_siglip_224"),
                 HALF, [(224, 224)])
