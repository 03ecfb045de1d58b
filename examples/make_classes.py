#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the file of classes that vitencoder tells apart by words (classes=FILE),
with the text tower of the model itself.

    make_classes.py MODEL FILE.safetensors CLASS...
    make_classes.py MODEL FILE.safetensors --words LIST.txt

MODEL is a folder or a name on the hub, of a CLIP, SigLIP or the like.  It is loaded
by transformers, or by open_clip where the folder has an open_clip_config.json or
where --open-clip is given (then the name may be one of open_clip's own, with
--pretrained behind it).  LIST.txt has a class on each line.

Each class is put into every --template, {} standing for it.  The vectors of its
sentences are divided by their lengths, and their mean is again, as OpenAI made
CLIP's.  --ensemble takes the seven templates that OpenAI found best together.

The file has the vectors, text_features [n][dim], and in its metadata the names and
the model's scale and bias: score = scale * cosine + bias.
"""
import argparse
import json
import os
import sys

ENSEMBLE = ("itap of a {}.", "a bad photo of the {}.", "a origami {}.",
            "a photo of the large {}.", "a {} in a video game.", "art of the {}.",
            "a photo of the small {}.")
# Of the kind that its makers use: models with a bias are SigLIP's.
PLAIN, WITH_BIAS = "a photo of a {}.", "This is a photo of {}."


class Transformers:
    def __init__(self, name):
        import transformers

        # Else it may ask whether to run programs that lie beside the weights.
        only = {"trust_remote_code": False}
        self.model = transformers.AutoModel.from_pretrained(name, **only).eval()
        self.tokenizer = transformers.AutoTokenizer.from_pretrained(name, **only)
        if not hasattr(self.model, "get_text_features"):
            sys.exit(f"{name}: a {type(self.model).__name__} has no text tower")

    def encode(self, sentences):
        config = self.model.config
        # SigLIP was trained with small letters, and to read the padding, too.
        padded = config.model_type.startswith("siglip")
        if padded:
            sentences = [sentence.lower() for sentence in sentences]
        given = self.tokenizer(
            sentences, padding="max_length" if padded else True, truncation=True,
            max_length=config.text_config.max_position_embeddings, return_tensors="pt")
        if padded:
            given = {"input_ids": given["input_ids"]}
        found = self.model.get_text_features(**given)
        return getattr(found, "pooler_output", found)

    def scale(self):
        if hasattr(self.model, "temperature"):
            return 1 / self.model.temperature.double().item()
        scale = self.model.logit_scale.double()
        if hasattr(self.model, "max_log_logit_scale"):
            scale = scale.clamp(0.0, self.model.max_log_logit_scale)
        return scale.exp().item()

    def bias(self):
        bias = getattr(self.model, "logit_bias", None)
        return None if bias is None else bias.double().item()


class OpenClip:
    def __init__(self, name, pretrained):
        import open_clip

        if os.path.isdir(name):
            name = "local-dir:" + os.path.abspath(name)
        self.model = open_clip.create_model(name, pretrained=pretrained).eval()
        self.tokenizer = open_clip.get_tokenizer(name)

    def encode(self, sentences):
        return self.model.encode_text(self.tokenizer(sentences))

    def scale(self):
        return self.model.logit_scale.double().exp().item()

    def bias(self):
        bias = self.model.logit_bias
        return None if bias is None else bias.double().item()


def vector(model, sentences):
    """[dim], of length 1."""
    found = model.encode(sentences).double()
    found = found / found.norm(dim=-1, keepdim=True)
    mean = found.mean(0)
    return mean / mean.norm()


def save(path, vectors, names, scale, bias):
    """vectors: [n][dim], a tensor; bias: None where the model has none."""
    import safetensors.torch

    metadata = {"names": json.dumps(list(names), ensure_ascii=False), "scale": repr(scale)}
    if bias is not None:
        metadata["bias"] = repr(bias)
    safetensors.torch.save_file(
        {"text_features": vectors.float().contiguous()}, path, metadata)


def read_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("file", metavar="FILE.safetensors")
    parser.add_argument("classes", metavar="CLASS", nargs="*")
    parser.add_argument("--words", metavar="LIST.txt")
    parser.add_argument("--template", action="append")
    parser.add_argument("--ensemble", action="store_true")
    parser.add_argument("--open-clip", action="store_true")
    parser.add_argument("--pretrained", help="of open_clip's own names")
    # Words may stand behind options.
    given = parser.parse_intermixed_args()
    if given.words:
        with open(given.words, encoding="utf-8") as lines:
            given.classes += [line.strip() for line in lines if line.strip()]
    if not given.classes:
        parser.error("there is no class; give words, or a file of them with --words")
    for template in given.template or ():
        if "{}" not in template:
            parser.error(f"the template \"{template}\" has no {{}} for the class")
    return given


def main():
    given = read_arguments()
    try:
        import safetensors.torch  # noqa: F401
        import torch
        if given.open_clip or os.path.exists(
                os.path.join(given.model, "open_clip_config.json")):
            model = OpenClip(given.model, given.pretrained)
        else:
            model = Transformers(given.model)
    except ImportError as error:
        sys.exit(f"{sys.executable}: {error}. It takes torch, safetensors and either "
                 "transformers or open_clip_torch.")
    except (OSError, ValueError) as error:
        sys.exit(f"{given.model}: {error}")
    templates = list(given.template or ()) + list(ENSEMBLE if given.ensemble else ())
    if not templates:
        templates = [PLAIN if model.bias() is None else WITH_BIAS]
    with torch.no_grad():
        vectors = torch.stack([
            vector(model, [template.replace("{}", name) for template in templates])
            for name in given.classes])
        save(given.file, vectors, given.classes, model.scale(), model.bias())
    n, dim = vectors.shape
    print(f"{given.file}: {n} classes of {dim} numbers, {len(templates)} "
          f"sentence{'s' if len(templates) > 1 else ''} each")


if __name__ == "__main__":
    main()
