# SPDX-License-Identifier: MIT
"""What a family of models is: a small model with random weights, as its own
package builds and saves it, and functions that give the tensor entering its
first transformer block and what comes out of the last.

families_transformers.py, families_timm.py and families_open_clip.py hold them;
`families` there takes the module of a package and yields Family objects.
Frames come as [1][3][height][width], normalised: float32, or float64 for a
model in float64.
"""
import copy
import re
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
SMALL = dict(hidden_size=D, num_hidden_layers=2, num_attention_heads=3,
             intermediate_size=2 * D)
TEXT = dict(hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
            intermediate_size=32, vocab_size=99)


# In the names of what stands before the first block.
STAGE = "patch", "pos", "cls", "class_embed", "token", "embeds"


@dataclass
class Family:
    name: str
    build: Callable[[], Any]  # the model, whatever its weights
    save: Callable[[Any, Any], None]  # (model, folder)
    first_block: Callable[[Any, tuple], Any]  # (model, (width, height))
    run: Callable[[Any, torch.Tensor], Any]  # the forward pass, up to there
    # What the package makes of a frame: a dictionary of "features",
    # "embedding" and "logits", those that it has.
    outputs: Callable[[Any, torch.Tensor], Any]
    normalisation: tuple
    sizes: list
    refusal: str = ""  # words of the encoder's, where it refuses the family


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


def outputs_of(family, model, size, frame):
    """{name: numbers of one frame} in float64."""
    # Positions are resampled in whatever precision the package does it.
    exact = copy.deepcopy(family.first_block(model, size)[0]).double()
    with torch.no_grad():
        found = family.outputs(exact, frame)
    return {name: values[0].numpy() for name, values in found.items()
            if values is not None}


def randomise(model, seed=0):
    """Values for all weights: those of a new model are often zero.  Tokens are
    small, so that the epsilon of a norm shows, and maps neither shrink nor
    stretch what they are given."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if not weight.is_floating_point():
                continue
            stage = "head" not in name and any(part in name for part in STAGE)
            if weight.ndim == 4 or weight.ndim == 2 and "patch" in name:
                weight.normal_(0.0, 0.005)
            elif weight.ndim == 1 and re.search(r"(norm|ln_).*weight", name):
                weight.uniform_(0.5, 1.5)
            elif stage:
                weight.normal_(0.0, 0.05)
            elif weight.ndim == 2:
                weight.normal_(0.0, weight.shape[1] ** -0.5)
            else:
                weight.normal_(0.0, 0.5)
    return model.float().eval()


def find_block(tower):
    for name, module in tower.named_modules():
        if (isinstance(module, (torch.nn.ModuleList, torch.nn.Sequential))
                and len(module)
                and name.split(".")[-1] in ("layers", "layer", "blocks",
                                            "resblocks")):
            return module[0]
    raise AssertionError("no list of blocks")
