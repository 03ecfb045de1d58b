#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""examples/make_classes.py makes of words what the model's own package makes of them,
and vitencoder scores a picture by it as the package does.

    classes_example.py SOURCE_ROOT FOLDER

Writes small models of random weights, a tokenizer and a picture into FOLDER.  Takes
torch, transformers, tokenizers and safetensors; GST_PLUGIN_PATH is set by who calls.
With open_clip it tries one of its models, too."""
import importlib.util
import json
import os
import pathlib
import runpy
import subprocess
import sys

import numpy
import safetensors
import safetensors.torch
import tokenizers
import torch
import transformers

os.environ["HF_HUB_OFFLINE"] = "1"
WORDS = ["cat", "dog", "red car"]
TEMPLATES = ["a photo of a {}.", "art of the {}."]
SIZE = 64
MAX_ERROR = 1e-5


def write_tokenizer(folder, length):
    words = sorted({word for text in TEMPLATES + WORDS + ["This is a photo of {}."]
                    for word in text.replace(".", " .").lower().split()} - {"{}"})
    vocabulary = {word: i for i, word in enumerate(["[PAD]", "[UNK]"] + words + ["[EOS]"])}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, "[UNK]"))
    tokenizer.normalizer = tokenizers.normalizers.Lowercase()
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    tokenizer.post_processor = tokenizers.processors.TemplateProcessing(
        "$A [EOS]", special_tokens=[("[EOS]", vocabulary["[EOS]"])])
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", eos_token="[EOS]", unk_token="[UNK]",
        model_max_length=length).save_pretrained(folder)
    return vocabulary


def spread(model):
    with torch.no_grad():
        for name, values in model.named_parameters():
            if not name.startswith("logit_"):
                values.add_(0.2 * torch.randn(values.shape))
    return model.eval()


def make_model(kind, folder):
    folder.mkdir()
    vocabulary = write_tokenizer(folder, 12)
    text = dict(hidden_size=32, intermediate_size=48, num_hidden_layers=1,
                num_attention_heads=2, vocab_size=len(vocabulary), max_position_embeddings=12,
                eos_token_id=vocabulary["[EOS]"], pad_token_id=0, bos_token_id=0)
    vision = dict(hidden_size=32, intermediate_size=48, num_hidden_layers=1,
                  num_attention_heads=2, image_size=SIZE, patch_size=16)
    if kind == "siglip":
        model = spread(transformers.SiglipModel(transformers.SiglipConfig(
            text_config=text, vision_config=vision)))
        with torch.no_grad():
            model.logit_scale.fill_(3.0)
            model.logit_bias.fill_(-5.0)
    else:
        model = spread(transformers.CLIPModel(transformers.CLIPConfig(
            text_config=text, vision_config=vision, projection_dim=24)))
    model.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(
        {"image_mean": [0.5] * 3, "image_std": [0.5] * 3}))
    return model


def run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True)
    assert done.returncode == 0, done.stdout
    print(done.stdout, end="")


def make(program, *arguments):
    """In this process, which has the packages already."""
    sys.argv = [program, *map(os.fspath, arguments)]
    runpy.run_path(program, run_name="__main__")


def score(model_folder, classes, picture, folder):
    """The logits of the picture, by vitencoder."""
    (folder / "picture.rgb").write_bytes(picture.tobytes())
    (folder / "logits.npy").unlink(missing_ok=True)
    run("gst-launch-1.0", "-q", "filesrc", f"location={folder}/picture.rgb", "!",
        "rawvideoparse", "format=rgb", f"width={SIZE}", f"height={SIZE}", "!",
        "vitpatchembed", "precision=f32", f"model={model_folder}", "!", "vitencoder",
        f"classes={classes}", "!", "vittokenenc", "content=logits", "!", "application/x-npy",
        "!", "filesink", f"location={folder}/logits.npy")
    return torch.tensor(numpy.load(folder / "logits.npy"))


def pixels(picture):
    return (torch.tensor(picture).permute(2, 0, 1).float() / 255 * 2 - 1)[None]


def check(name, found, expected):
    error = ((found - expected).norm() / expected.norm()).item()
    print(f"{name}: relative L2 {error:.2g}")
    assert error <= MAX_ERROR, f"{name}: {error}"


def sentences(word, padded, tokenizer):
    texts = [template.replace("{}", word) for template in TEMPLATES]
    return tokenizer(texts, return_tensors="pt",
                     **({"padding": "max_length", "max_length": 12} if padded
                        else {"padding": True}))


def check_transformers(kind, program, folder, picture):
    """One template a class by logits_per_image itself; two by their mean."""
    where = folder / kind
    model = make_model(kind, where)
    tokenizer = transformers.AutoTokenizer.from_pretrained(where)
    classes = folder / f"{kind}.safetensors"
    words = folder / "words.txt"
    words.write_text("\n".join(WORDS) + "\n\n")
    make(program, where, classes, "--template", TEMPLATES[0], *WORDS)
    with torch.no_grad():
        texts = [sentences(word, kind == "siglip", tokenizer) for word in WORDS]
        given = [model(input_ids=text["input_ids"][:1], pixel_values=pixels(picture),
                       **({} if kind == "siglip" else
                          {"attention_mask": text["attention_mask"][:1]}))
                 for text in texts]
        expected = torch.cat([one.logits_per_image[0] for one in given])
        check(f"{kind}, a sentence", score(where, classes, picture, folder), expected)

        make(program, where, classes, "--words", words,
            "--template", TEMPLATES[0], "--template", TEMPLATES[1])
        means = []
        for text in texts:
            both = model(input_ids=text["input_ids"], pixel_values=pixels(picture),
                         **({} if kind == "siglip" else
                            {"attention_mask": text["attention_mask"]})).text_embeds
            means.append(torch.nn.functional.normalize(both.mean(0), dim=0))
        expected = torch.stack(means) @ given[0].image_embeds[0] * model.logit_scale.exp()
        expected += getattr(model, "logit_bias", 0.0)
        check(f"{kind}, two sentences", score(where, classes, picture, folder), expected)
    with safetensors.safe_open(classes, "numpy") as file:
        assert json.loads(file.metadata()["names"]) == WORDS
        assert ("bias" in file.metadata()) == (kind == "siglip")


def check_open_clip(program, folder, picture):
    import open_clip

    where = folder / "open-clip"
    where.mkdir()
    config = dict(embed_dim=24, vision_cfg=dict(
        image_size=SIZE, layers=1, width=32, head_width=16, patch_size=16),
        text_cfg=dict(context_length=12, vocab_size=49408, width=16, heads=2, layers=1))
    model = spread(open_clip.CLIP(**config))
    safetensors.torch.save_file(model.state_dict(), where / "open_clip_model.safetensors")
    (where / "open_clip_config.json").write_text(json.dumps({
        "model_cfg": config, "preprocess_cfg": {"mean": [0.5] * 3, "std": [0.5] * 3}}))
    classes = folder / "open-clip.safetensors"
    make(program, where, classes, "--template", TEMPLATES[0], *WORDS)
    tokenizer = open_clip.get_tokenizer(f"local-dir:{where}")
    with torch.no_grad():
        expected = model.get_logits(pixels(picture), tokenizer(
            [TEMPLATES[0].replace("{}", word) for word in WORDS]))[0][0]
    check("open_clip, a sentence", score(where, classes, picture, folder), expected)


def check_own_code(program, folder):
    """A model's programs are not run, even where whoever calls would say yes."""
    where, mark = folder / "own-code", folder / "it-ran"
    where.mkdir()
    (where / "config.json").write_text(json.dumps({
        "model_type": "own", "auto_map": {"AutoConfig": "own.Own", "AutoModel": "own.Own"}}))
    (where / "own.py").write_text(f"open({str(mark)!r}, 'w').close()\n")
    done = subprocess.run([sys.executable, program, where, folder / "own.safetensors", "cat"],
                          input="y\n" * 20, capture_output=True, text=True)
    assert done.returncode and not mark.exists(), done.stdout
    assert "custom code" in done.stderr and "Traceback" not in done.stderr, done.stderr


def main():
    source, folder = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
    program = os.path.join(source, "examples/make_classes.py")
    torch.manual_seed(1)
    picture = numpy.random.default_rng(1).integers(0, 256, (SIZE, SIZE, 3), numpy.uint8)
    for kind in ("clip", "siglip"):
        check_transformers(kind, program, folder, picture)
    check_own_code(program, folder)
    if importlib.util.find_spec("open_clip") and importlib.util.find_spec("torchvision"):
        check_open_clip(program, folder, picture)
    else:
        print("not tried: open_clip, which is not there")


if __name__ == "__main__":
    main()
