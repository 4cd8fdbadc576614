"""What the fit of a block knows of its tokens, and the fit on composed inputs."""

import numpy as np
import torch
from fit import solve_lower


class Statistics:
    """Weighted mean and centred covariance; products in float32, sums in float64."""

    def __init__(self):
        self.count, self.shift = 0.0, None

    def add(self, h, weights):
        if self.shift is None:
            self.shift = h.mean(0)
            self.sum = torch.zeros(h.shape[1], dtype=torch.float64)
            self.products = torch.zeros(h.shape[1], h.shape[1], dtype=torch.float64)
        centred = h - self.shift
        weighted = centred * weights[:, None]
        self.products += weighted.T @ centred
        self.sum += weighted.sum(0)
        self.count += float(weights.sum())

    def finish(self):
        mean = (self.sum / self.count).numpy()
        covariance = self.products.numpy() / self.count - np.outer(mean, mean)
        return mean + self.shift.double().numpy(), covariance


def merged(first, second, share):
    """The statistics of both, the second's part being `share`."""
    (mean_a, c_a), (mean_b, c_b) = first, second
    d = mean_b - mean_a
    return mean_a + share * d, (1 - share) * c_a + share * c_b + share * (1 - share) * np.outer(d, d)


def refit(mean, covariance, fc2_width, units, width, ridge):
    """fc2 (weight as PyTorch keeps it, and bias) of the first units, for joint statistics of hidden units and targets."""
    hidden = len(mean) - fc2_width
    kept = units[:width]
    c = covariance[:hidden, :hidden]
    variance = ridge * c.trace() / hidden
    factor = np.linalg.cholesky(c[np.ix_(kept, kept)] + variance * np.eye(width))
    half = solve_lower(factor, covariance[kept, hidden:])
    kernel = solve_lower(factor.T[::-1, ::-1], half[::-1])[::-1]
    bias = mean[hidden:] - mean[kept] @ kernel
    return torch.tensor(kernel.T.copy(), dtype=torch.float32), torch.tensor(bias, dtype=torch.float32)
