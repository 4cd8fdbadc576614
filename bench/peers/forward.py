"""A forward pass in PyTorch, eager."""

import torch
from arrays import read_arrays
from vit import Vit


def prepare(file: str, depth: int, heads: int, epsilon: float, precision: str):
    kind = torch.bfloat16 if precision == "bfloat16" else torch.float32
    weights = {name: torch.from_numpy(array).to(kind) for name, array in read_arrays(file).items()}
    pixels = weights.pop("pixels").permute(0, 3, 1, 2).contiguous()
    model = Vit(weights, depth, heads, epsilon)

    @torch.inference_mode()
    def run():
        logits = model.forward(pixels)
        return lambda: logits.float().flatten().tolist()

    return run
