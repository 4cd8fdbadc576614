"""The opponent of bench/distill.ts: the same distillation step in PyTorch, float32, on the same number of threads.

Reads lines on standard input; answers each with the seconds of one step, wall and processor. Arguments: tokens width hidden threads.
The fused AdamW is PyTorch's fastest; the block's input needs no gradient, as in ours.
"""

import sys
import time

import torch
import torch.nn.functional as F

tokens, width, hidden, threads = map(int, sys.argv[1:5])
torch.set_num_threads(threads)
torch.manual_seed(1)
x = torch.randn(tokens, width)
target = torch.randn(tokens, width)
fc1 = torch.nn.Linear(width, hidden)
fc2 = torch.nn.Linear(hidden, width)
parameters = [*fc1.parameters(), *fc2.parameters()]
optimizer = torch.optim.AdamW(parameters, lr=1e-3, weight_decay=0.0, fused=True)


def step() -> None:
    optimizer.zero_grad(set_to_none=True)
    output = fc2(F.gelu(fc1(x)))
    loss = (output - target).square().sum() / (tokens * width)
    loss.backward()
    optimizer.step()


step()
print(f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads", flush=True)
for _ in sys.stdin:
    start, busy = time.perf_counter(), time.process_time()
    step()
    print(time.perf_counter() - start, time.process_time() - busy, flush=True)
