"""The decoder's operations issued from Python, to compare with `winnow bench`: random bfloat16 weights of the LLaVA-1.5-7B shape.

python3 tests/bench/peer_prefill.py [layers] [threads] [rows] [decode]
Prints medians of wall and processor milliseconds of a prompt and of a generated token. Needs PyTorch; not part of the build.
"""
import statistics
import sys
import time

import torch
import torch.nn.functional as F

LAYERS, THREADS, ROWS, DECODE = (int(a) for a in (sys.argv[1:] + ["2", "1", "640", "8"][len(sys.argv) - 1:]))
HIDDEN, INNER, HEADS, DIM, VOCAB, EPS, RUNS = 4096, 11008, 32, 128, 32064, 1e-5, 3
torch.set_num_threads(THREADS)
torch.set_grad_enabled(False)
torch.manual_seed(1)


def noise(*shape):
    return torch.empty(*shape, dtype=torch.bfloat16).uniform_(-0.0346, 0.0346)


ones = torch.ones(HIDDEN, dtype=torch.bfloat16)
layers = [([noise(HIDDEN, HIDDEN) for _ in range(4)], noise(INNER, HIDDEN), noise(INNER, HIDDEN), noise(HIDDEN, INNER))
          for _ in range(LAYERS)]
head = noise(VOCAB, HIDDEN)
frequency = 1e4 ** (-torch.arange(0, DIM, 2).float() / DIM)


def rotate(x, cos, sin):
    wide = x.float()
    return (wide * cos + torch.cat((-wide[..., DIM // 2:], wide[..., :DIM // 2]), -1) * sin).to(x.dtype)


def step(x, cache, start):
    n = x.shape[0]
    angle = torch.arange(start, start + n).float()[:, None] * frequency
    angle = torch.cat((angle, angle), -1)[:, None]
    cos, sin = angle.cos(), angle.sin()
    for i, ((q, k, v, o), gate, up, down) in enumerate(layers):
        h = F.rms_norm(x, (HIDDEN,), ones, EPS)
        queries, keys, values = (F.linear(h, w).view(n, HEADS, DIM) for w in (q, k, v))
        cache[i][start:start + n, 0] = rotate(keys, cos, sin)
        cache[i][start:start + n, 1] = values
        rows = cache[i][:start + n].permute(1, 2, 0, 3)[:, None]
        out = F.scaled_dot_product_attention(rotate(queries, cos, sin).transpose(0, 1)[None], rows[0], rows[1], is_causal=n > 1)
        x = x + F.linear(out[0].transpose(0, 1).reshape(n, HIDDEN), o)
        h = F.rms_norm(x, (HIDDEN,), ones, EPS)
        x = x + F.linear(F.silu(F.linear(h, gate)) * F.linear(h, up), down)
    return F.linear(F.rms_norm(x[-1:], (HIDDEN,), ones, EPS), head).float()


prefill, decode = [], []
for run in range(RUNS + 1):
    cache = [torch.empty(ROWS + DECODE, 2, HEADS, DIM, dtype=torch.bfloat16) for _ in range(LAYERS)]
    times = []
    for i in range(DECODE + 1):
        x = noise(ROWS if i == 0 else 1, HIDDEN)
        wall, cpu = time.perf_counter(), time.process_time()
        step(x, cache, 0 if i == 0 else ROWS + i - 1)
        times.append((1e3 * (time.perf_counter() - wall), 1e3 * (time.process_time() - cpu)))
    if run:
        prefill.append(times[0])
        decode.extend(times[1:])
for name, samples in (("prefill", prefill), ("decode", decode)):
    wall, cpu = (statistics.median(column) for column in zip(*samples))
    print(f"torch {torch.__version__} {name}: {LAYERS} layers, {THREADS} threads, {ROWS} rows: wall {wall:.1f} ms, cpu {cpu:.1f} ms")
