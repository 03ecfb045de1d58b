# SPDX-License-Identifier: MIT
"""The embedding of each frame of a video by PyTorch and OpenCV, in the manner of DINOtool
0.4, whose models come from a hub: OpenCV decodes to RGB, each frame found by a seek;
PIL resizes, as torchvision would have it do; the class token is divided by its length.

    dinotool_like.py VIDEO MODEL MAX_TOKENS [--in-order]

The model is transformers' of a local folder.  --in-order reads without seeks.
OMP_NUM_THREADS says how many threads."""
import math
import sys

import cv2
import numpy
import torch
import transformers
from PIL import Image

MEAN = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
STD = torch.tensor([0.229, 0.224, 0.225])[:, None, None]


def frames_of(path, in_order):
    video = cv2.VideoCapture(path)
    for index in range(int(video.get(cv2.CAP_PROP_FRAME_COUNT))):
        if not in_order:
            video.set(cv2.CAP_PROP_POS_FRAMES, index)
        good, frame = video.read()
        if not good:
            return
        yield index, Image.fromarray(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))


def size_within(width, height, patch, max_tokens):
    """(rows, columns) of patches, the aspect about kept, as max-tokens of vitpatchembed."""
    scale = min(1, math.sqrt((max_tokens - 1) * patch * patch / (width * height))) / patch
    rows, columns = round(height * scale), round(width * scale)
    if rows * columns >= max_tokens:
        rows, columns = int(height * scale), int(width * scale)
    return rows, columns


def main():
    path, name, max_tokens = sys.argv[1], sys.argv[2], int(sys.argv[3])
    model = transformers.AutoModel.from_pretrained(name, dtype=torch.float32).eval()
    patch, rows = model.config.patch_size, []
    for _, image in frames_of(path, "--in-order" in sys.argv):
        height, width = (patch * side for side in size_within(*image.size, patch, max_tokens))
        pixels = numpy.array(image.resize((width, height), Image.Resampling.BILINEAR))
        values = (torch.from_numpy(pixels).permute(2, 0, 1).float().div(255) - MEAN) / STD
        with torch.no_grad():
            found = model(values[None]).pooler_output
        rows.append(torch.nn.functional.normalize(found, dim=-1)[0].numpy())
    assert rows and numpy.isfinite(numpy.stack(rows)).all(), path


if __name__ == "__main__":
    main()
