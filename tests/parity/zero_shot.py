#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Scores of texts beside logits_per_image of the package, of every family that has a
text tower: a random model and random sentences, vitencoder with the vectors of
these, and scale and bias from the model's own checkpoint.

    zero_shot.py BUILD [NAME...]

NAME is a part of a family's name."""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import families
import numpy
import parity
import torch
from encoder import relative_error
from safetensors.torch import save_file

MAX_ERROR = 1e-5
N = 64
VOCABULARY, LENGTH = 99, 7


class Scores(parity.Element):
    def run(self, folder, frame, classes):
        """The logits of a frame, of a width that four divides."""
        height, width, _ = frame.shape
        source, target = self.scratch / "frame", self.scratch / "logits.npy"
        source.write_bytes(frame.tobytes())
        target.unlink(missing_ok=True)
        done = subprocess.run(
            ["gst-launch-1.0", "-q", "filesrc", f"location={source}", "!", "rawvideoparse",
             "format=rgb", f"width={width}", f"height={height}", "!", "vitpatchembed",
             "precision=f32", f"model={folder}", "!", "vitencoder", f"classes={classes}", "!",
             "vittokenenc", "content=logits", "!", "application/x-npy", "!", "filesink",
             f"location={target}"],
            env=dict(self.environment, GST_DEBUG="1"), capture_output=True, text=True,
            timeout=120)
        if done.returncode or not target.exists():
            raise RuntimeError(done.stderr)
        return numpy.load(target)


def settle(model):
    """Random weights, but a scale that has a logarithm."""
    families.randomise(model)
    with torch.no_grad():
        for name, value in (("logit_scale", 3.0), ("logit_bias", -7.0), ("temperature", 0.06)):
            if isinstance(getattr(model, name, None), torch.nn.Parameter):
                getattr(model, name).fill_(value)
    return model


def score_transformers(model, frame, ids):
    given = dict(input_ids=ids, attention_mask=torch.ones_like(ids), pixel_values=frame)
    found = model(**given)
    return found.logits_per_image, found.text_embeds


def score_open_clip(model, frame, ids):
    ids = torch.nn.functional.pad(ids, (0, model.context_length - ids.shape[1]))
    return model.get_logits(frame, ids)[0], model.encode_text(ids)


SCORE = {"transformers": score_transformers, "open_clip": score_open_clip}


def has_texts(package, model):
    return hasattr(model, "get_text_features" if package == "transformers" else "get_logits")


def compare(score, family, element, folder):
    model = settle(family.build())
    family.save(model, folder)
    frame = parity.make_frame(*family.sizes[0])
    ids = torch.randint(3, VOCABULARY - 1, (N, LENGTH))
    ids[:, -1] = VOCABULARY - 1
    with torch.no_grad():
        expected, vectors = score(
            model.double().eval(),
            parity.normalise(frame, family.normalisation, torch.float64), ids)
    classes = element.scratch / "classes.safetensors"
    save_file({"text_features": vectors.float().contiguous()}, classes,
              {"names": json.dumps([str(i) for i in range(N)])})
    expected = expected[0].numpy()
    return relative_error(element.run(folder, frame, classes), expected), numpy.ptp(expected)


def main(build, *names):
    torch.manual_seed(1)
    failed = 0
    print("| family | package | scores, relative L2 | their range |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        element = Scores(build, Path(scratch))
        for package_name, package in parity.import_packages().items():
            for i, family in enumerate(parity.PACKAGES[package_name].families(package)):
                if (package_name not in SCORE
                        or names and not any(name in family.name for name in names)
                        or not has_texts(package_name, family.build())):
                    continue
                folder = Path(scratch) / f"{package_name}-{i}"
                folder.mkdir()
                start = f"| {family.name} | {package_name} {package.__version__} |"
                try:
                    error, width = compare(SCORE[package_name], family, element, folder)
                except Exception as error:  # whatever a package may raise
                    print(f"{start} failed: {type(error).__name__}: {error} |", flush=True)
                    failed += 1
                    continue
                failed += not error <= MAX_ERROR
                print(f"{start} {error:.1e} | {width:.3g} |", flush=True)
    return failed > 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
