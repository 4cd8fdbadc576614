"""What every single exchange of a block does to the model's answer: KL(teacher || model) of every model, mean over the images."""

import torch
import torch.nn.functional as F
from arrays import read_arrays
from vit import Vit

PARTS = ("fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias")


def naive(model: Vit, pixels, descendants):
    """A whole forward pass for every model."""
    yield model.forward(pixels)
    for block, ffn in descendants:
        yield model.forward(pixels, {block: ffn})


def shared(model: Vit, pixels, descendants):
    """What models have in common is computed once, and of the last block what the head reads, as our sweep does."""
    last = model.depth - 1

    def onward(block, mixed, ffn=None):
        x = model.ffn(block, mixed, ffn)
        for later in range(block + 1, model.depth):
            x = model.ffn(later, model.mix(later, x) if later < last else model.mix_first(later, x))
        return model.head(x)

    answers = []
    mixed = model.mix(0, model.embed(pixels))
    for block in range(model.depth):
        rows = mixed if block < last else mixed[:, :1]
        answers += [onward(block, rows, ffn) for at, ffn in descendants if at == block]
        if block == last:
            answers.insert(0, onward(block, rows))
        else:
            mixed = model.mix(block + 1, model.ffn(block, mixed))
    return answers


def prepare(file: str, blocks: list[int], depth: int, heads: int, epsilon: float, way: str):
    arrays = {name: torch.from_numpy(array) for name, array in read_arrays(file).items()}
    pixels = arrays.pop("pixels").permute(0, 3, 1, 2).contiguous()
    descendants = [
        (block, tuple(arrays.pop(f"descendants.{index}.{part}") for part in PARTS)) for index, block in enumerate(blocks)
    ]
    model = Vit(arrays, depth, heads, epsilon)
    walk = {"naive": naive, "shared": shared}[way]

    @torch.inference_mode()
    def run():
        teacher, *others = (F.log_softmax(logits.double(), -1) for logits in walk(model, pixels, descendants))
        kl = [F.kl_div(log, teacher, log_target=True, reduction="batchmean").item() for log in others]
        return lambda: kl

    return run
