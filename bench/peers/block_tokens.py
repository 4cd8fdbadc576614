"""What a block is trained on and judged by."""

import torch
import torch.nn.functional as F


class Tokens:
    """Inputs and targets of one level at one block [images, sampled, D], and the weight of every token."""

    def __init__(self):
        self.inputs, self.targets = [], []

    def add(self, z, target):
        self.inputs.append(z)
        self.targets.append(target)

    def finish(self):
        self.inputs, self.targets = torch.cat(self.inputs), torch.cat(self.targets)
        return self


def error_of(ffn, parts, weights):
    """Squared error over the targets' centred energy; `parts` are tokens and their share, `weights` those of an image's tokens."""
    total = sum(share * len(tokens.targets) * weights.sum() for tokens, share in parts)
    mean = sum(share * (weights[:, None] * t.targets).sum((0, 1), dtype=torch.float64) for t, share in parts) / total
    energy = sum(share * (weights * (t.targets - mean).square().sum(-1)).sum() for t, share in parts)
    if ffn is None:
        return float(energy / total)
    w1, b1, w2, b2 = ffn
    error = 0.0
    for t, share in parts:
        output = F.linear(F.gelu(F.linear(t.inputs, w1, b1)), w2, b2)
        error += share * (weights * (output - t.targets).square().sum(-1).double()).sum()
    return float(error / energy)
