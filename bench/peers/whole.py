"""A library of block descendants in plain PyTorch and NumPy: the method of docs/design.md, as a script would write it.

Class shares, statistics, order, refit on composed inputs, measuring. Images, their sampled tokens and the labels of the class shares
are given.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F
from arrays import read_arrays
from block_statistics import Statistics, merged, refit
from block_tokens import Tokens, error_of
from evaluation import shared as every_exchange
from fit import order
from vit import Vit

class Library:
    def __init__(self, file, training, depth, heads, epsilon, widths, ridge, ownShare):
        arrays = read_arrays(file)
        images = lambda name: torch.from_numpy(arrays.pop(name)).permute(0, 3, 1, 2).contiguous()
        self.pixels, self.evaluation = images("pixels"), images("evaluation")
        self.rows = torch.from_numpy(arrays.pop("rows")).long()
        self.labels = torch.from_numpy(arrays.pop("labels")).long()
        self.model = Vit({name: torch.from_numpy(array) for name, array in arrays.items()}, depth, heads, epsilon)
        self.training, self.widths, self.ridge, self.own = training, widths, ridge, ownShare
        self.sampled = self.rows.shape[1]
        count = len(self.pixels)
        cut = lambda start, end: [(at, min(at + 25, end)) for at in range(start, end, 25)]
        self.batches = cut(0, training) + cut(training, count)

    def pick(self, x, start, end):
        """The sampled tokens [images, sampled, ...] of a batch."""
        return x[torch.arange(end - start)[:, None], self.rows[start:end]]

    def token_weights(self):
        """Of an image's sampled tokens, for every block: half by the class token's share of the squared gradient."""
        model = self.model
        of_class, of_all = np.zeros(model.depth), np.zeros(model.depth)
        for start in range(0, min(self.training, 256), 16):
            end = min(start + 16, self.training)
            x = model.embed(self.pixels[start:end]).requires_grad_()
            outputs = []
            for block in range(model.depth):
                x = model.ffn(block, model.mix(block, x))
                outputs.append(x)
            chosen = F.log_softmax(model.head(x), -1).gather(1, self.labels[start:end, None])
            for block, gradient in enumerate(torch.autograd.grad(chosen.sum(), outputs)):
                squares = gradient.square().sum(-1)
                of_class[block] += float(squares[:, 0].sum())
                of_all[block] += float(squares.sum())
        n = self.sampled
        shares = of_class / of_all
        patches = [0.5 + 0.5 * (1 - share) * n / (n - 1) for share in shares]
        return [
            torch.tensor([0.5 + 0.5 * share * n] + [patch] * (n - 1), dtype=torch.float32)
            for share, patch in zip(shares, patches)
        ]

    def orders(self, weights):
        """Of every block's units, from one pass of the teacher."""
        model = self.model
        statistics = [Statistics() for _ in range(model.depth)]
        for start in range(0, self.training, 32):
            end = min(start + 32, self.training)
            x = model.embed(self.pixels[start:end])
            for block in range(model.depth):
                mixed = model.mix(block, x)
                w1, b1, w2, b2 = model.ffn_of(block)
                h = F.gelu(F.linear(model.ffn_input(block, mixed), w1, b1))
                statistics[block].add(self.pick(h, start, end).flatten(0, 1), weights[block].repeat(end - start))
                x = mixed + F.linear(h, w2, b2)
        result = []
        for block, found in enumerate(statistics):
            _, covariance = found.finish()
            fc2 = model.ffn_of(block)[2].double().numpy().T
            result.append(order(covariance, fc2, self.ridge * covariance.trace() / len(covariance)))
        return result

    def streams(self):
        """After the first attention, where all levels are the same: by batch, then by level."""
        for start, end in self.batches:
            first = self.model.mix(0, self.model.embed(self.pixels[start:end]))
            yield [first] * (1 + len(self.widths))

    def advanced(self, streams, block, descendants):
        if block == self.model.depth - 1:
            return streams
        model = self.model
        return [
            [model.mix(block + 1, model.ffn(block, mixed, ffn)) for mixed, ffn in zip(levels, [None, *descendants])]
            for levels in streams
        ]

    def visit(self, streams, block):
        """Sampled inputs, hidden units and targets of every batch and level: what brings its stream to the teacher's."""
        model = self.model
        w1, b1, w2, b2 = model.ffn_of(block)
        for (start, end), levels in zip(self.batches, streams):
            for level, stream in enumerate(levels):
                mixed = self.pick(stream, start, end)
                z = model.ffn_input(block, mixed)
                h = F.gelu(F.linear(z, w1, b1))
                if level == 0:
                    target = F.linear(h, w2, b2)
                    teacher_after = mixed + target
                else:
                    target = teacher_after - mixed
                yield start < self.training, level, z, h, target

    def parts(self, tokens, level):
        """What a level is judged by."""
        return [(tokens[0], 1 - self.own), (tokens[level], self.own)]

    def refits(self, weights, orders):
        model, levels = self.model, 1 + len(self.widths)
        streams = list(self.streams())
        descendants, errors = [], []
        for block in range(model.depth):
            statistics = [Statistics() for _ in range(levels)]
            held = [Tokens() for _ in range(levels)]
            for is_training, level, z, h, target in self.visit(streams, block):
                if is_training:
                    joint = torch.cat([h, target], -1).flatten(0, 1)
                    statistics[level].add(joint, weights[block].repeat(len(z)))
                else:
                    held[level].add(z, target)
            found = [s.finish() for s in statistics]
            held = [tokens.finish() for tokens in held]
            w1, b1, w2, _ = model.ffn_of(block)
            own = []
            for level, width in enumerate(self.widths, 1):
                units = orders[block][:width].copy()
                mixed = merged(found[0], found[level], self.own)
                own.append((w1[units], b1[units], *refit(*mixed, len(w2), units, width, self.ridge)))
                errors.append(error_of(own[-1], self.parts(held, level), weights[block]))
            descendants.append(own)
            streams = self.advanced(streams, block, own)
        return descendants, errors

    def measured(self, descendants):
        """KL from the teacher of every exchange, and of the models with one width everywhere."""
        flat = [(block, ffn) for block, own in enumerate(descendants) for ffn in own]
        logits = every_exchange(self.model, self.evaluation, flat)
        for level in range(len(self.widths)):
            uniform = {block: own[level] for block, own in enumerate(descendants)}
            logits.append(self.model.forward(self.evaluation, uniform))
        teacher, *others = (F.log_softmax(values.double(), -1) for values in logits)
        kl = [F.kl_div(log, teacher, log_target=True, reduction="batchmean").item() for log in others]
        return kl[: len(flat)], kl[len(flat) :]

    def make(self):
        weights = self.token_weights()
        with torch.no_grad():
            orders = self.orders(weights)
            refits, refit_errors = self.refits(weights, orders)
            single, uniform = self.measured(refits)
        return [float(np.mean(numbers)) for numbers in (refit_errors, single, uniform)]


def prepare(**settings):
    def run():
        numbers = Library(**settings).make()
        return lambda: numbers

    return run
