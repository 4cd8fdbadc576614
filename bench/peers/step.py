"""A distillation step in PyTorch: forward, squared error, gradients, AdamW.

The fused AdamW is PyTorch's fastest; the block's input needs no gradient, as in ours.
"""

import torch
import torch.nn.functional as F
from arrays import read_arrays


def prepare(file: str, precision: str):
    arrays = {name: torch.from_numpy(array) for name, array in read_arrays(file).items()}
    x, target = arrays["x"], arrays["target"]
    tokens, width = x.shape
    parameters = [arrays[name].requires_grad_() for name in ("fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias")]
    w1, b1, w2, b2 = parameters
    optimizer = torch.optim.AdamW(parameters, lr=1e-3, weight_decay=0.0, fused=True)
    in_bfloat16 = precision == "bfloat16"

    def run():
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=in_bfloat16):
            output = F.linear(F.gelu(F.linear(x, w1, b1)), w2, b2)
        loss = (output.float() - target).square().sum() / (tokens * width)
        loss.backward()
        optimizer.step()
        return lambda: [loss.item()]

    return run
