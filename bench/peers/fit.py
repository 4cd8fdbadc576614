"""Order and refit of one block with NumPy and LAPACK, float64: the algebra of compress/order and compress/refit."""

import numpy as np
from arrays import read_arrays

PANEL = 96


def eliminate(precision, gram):
    """Removes the unit of least ||W_j||^2 / P_jj until none is left; in panels, so that most of the work is products of matrices.

    `precision` is P = (C + ridge)^-1, `gram` W W' of the refitted W. Returns the units in the order of their removal.
    """
    hidden = len(precision)
    units = np.arange(hidden)
    removed = []
    while len(units) > 0:
        n = len(units)
        panel = min(PANEL, n)
        l, v = np.zeros((panel, n)), np.zeros((panel, n))
        diagonal, norms = precision.diagonal().copy(), gram.diagonal().copy()
        left = np.ones(n, bool)
        for k in range(panel):
            costs = np.where(left, norms / diagonal, np.inf)
            j = int(np.argmin(costs))
            cost, scale = costs[j], 1 / np.sqrt(diagonal[j])
            lk = precision[j] - l[:k, j] @ l[:k]
            vk = gram[j] - v[:k, j] @ l[:k] - l[:k, j] @ v[:k]
            l[k] = lk * scale
            v[k] = vk * scale - cost / 2 * l[k]
            left[j] = False
            removed.append(units[j])
            diagonal = np.where(left, np.maximum(diagonal - l[k] ** 2, 1e-300), 1)
            norms = np.maximum(norms - 2 * l[k] * v[k], 0)
        l, v = l[:, left], v[:, left]
        precision = precision[np.ix_(left, left)] - l.T @ l
        lv = l.T @ v
        gram = gram[np.ix_(left, left)] - lv - lv.T
        units = units[left]
    return np.array(removed)


def order(covariance, fc2, ridge: float):
    """Units, most worth keeping first. fc2 [H, D]; ridge a variance."""
    precision = np.linalg.inv(covariance + ridge * np.eye(len(covariance)))
    refitted = fc2 - ridge * (precision @ fc2)
    return eliminate(precision, refitted @ refitted.T)[::-1]


def refit(covariance, shared, energy: float, units, widths, ridge: float):
    """The best fc2 for the first units, for each width, and its relative error. One factor serves all widths."""
    widest = units[: max(widths)]
    factor = np.linalg.cholesky(covariance[np.ix_(widest, widest)] + ridge * np.eye(len(widest)))
    forward = solve_lower(factor, shared[widest])
    fits = []
    for width in widths:
        half = forward[:width]
        # An upper triangle read backwards is a lower one.
        kernel = solve_lower(factor[:width, :width].T[::-1, ::-1], half[::-1])[::-1]
        fits.append((kernel, (energy - (half**2).sum() - ridge * (kernel**2).sum()) / energy))
    return fits


def solve_lower(factor, right, block=128):
    """NumPy has no triangular solve: by blocks, so that nearly all of it is products."""
    result = right.copy()
    for start in range(0, len(factor), block):
        end = min(len(factor), start + block)
        result[start:end] -= factor[start:end, :start] @ result[:start]
        result[start:end] = np.linalg.solve(factor[start:end, start:end], result[start:end])
    return result


def prepare(file: str, widths: list[int], ridge: float):
    arrays = read_arrays(file)
    covariance, fc2 = arrays["covariance"], arrays["fc2"].astype(np.float64)

    def run():
        variance = ridge * covariance.trace() / len(covariance)
        shared = covariance @ fc2
        units = order(covariance, fc2, variance)
        fits = refit(covariance, shared, (fc2 * shared).sum(), units, widths, variance)
        return lambda: [error for _, error in fits]

    return run
