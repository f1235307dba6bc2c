#!/usr/bin/env python3
"""Times the kernels beside the torch composition that a user would write, on the same tensors and stream.

Every row: our call, the composition eagerly, the composition under a CUDA graph; median of CUDA-event times, each measured twice (a
difference smaller than the two readings' spread is noise). "cold" rotates over inputs that together exceed L2, "warm" repeats one.
--device cpu is a rehearsal of the script on a machine without a GPU; its times mean nothing.
"""
import argparse
import json
import platform
import statistics
import time

import torch

import abi

L2_BYTES = 128 << 20


class Clock:
    """Median microseconds of a callable, over calls on different inputs."""

    def __init__(self, device, rounds):
        self.cuda, self.rounds = device == "cuda", rounds

    def median(self, calls):
        for call in calls[:3]:
            call()
        times = []
        for i in range(self.rounds):
            call = calls[i % len(calls)]
            if self.cuda:
                begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
                torch.cuda.synchronize()
                begin.record()
                call()
                end.record()
                torch.cuda.synchronize()
                times.append(begin.elapsed_time(end) * 1000)
            else:
                start = time.perf_counter()
                call()
                times.append((time.perf_counter() - start) * 1e6)
        return statistics.median(times)

    def twice(self, calls):
        a, b = self.median(calls), self.median(calls)
        return {"us": min(a, b), "spread_us": abs(a - b)}


def graphed(function):
    """The function captured in a CUDA graph; it must work on fixed tensors."""
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        for _ in range(3):
            function()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        function()
    return graph.replay


class Bench:
    def __init__(self, library, device, rounds):
        self.device, self.clock = device, Clock(device, rounds)
        self.winnow = abi.Winnow(library, abi.CUDA if device == "cuda" else abi.CPU)
        self.rows = []

    def stream(self):
        return torch.cuda.current_stream().cuda_stream if self.device == "cuda" else None

    def tensor(self, *shape, dtype=torch.bfloat16):
        return torch.randn(*shape, device=self.device, dtype=torch.float32).to(dtype)

    def ours(self, name, desc, *tensors):
        """A call that keeps its workspace and the tensors behind the descriptor alive."""
        size = self.winnow.workspace(name, desc) if name in ("score", "sim", "greedy", "select") else 0
        memory = torch.empty(size + 256, dtype=torch.uint8, device=self.device)
        address = (memory.data_ptr() + 255) // 256 * 256

        def call(held=(memory, tensors)):
            self.winnow.call(name, desc, address if size else None, size, self.stream())
        return call

    def row(self, name, moved, make):
        """make() -> (our call, torch call, check); several instances make the cold rotation. The check compares results once."""
        copies = max(2, min(64, L2_BYTES // max(moved, 1) + 1)) if self.device == "cuda" else 2
        instances = [make() for _ in range(copies)]
        ours, theirs = [i[0] for i in instances], [i[1] for i in instances]
        agreed = instances[0][2]()
        entry = {"kernel": name, "bytes": moved, "agrees": bool(agreed)}
        entry["cold"] = self.clock.twice(ours)
        entry["warm"] = self.clock.twice(ours[:1])
        entry["torch_cold"] = self.clock.twice(theirs)
        entry["torch_warm"] = self.clock.twice(theirs[:1])
        if self.device == "cuda":
            try:
                entry["torch_graph_warm"] = self.clock.twice([graphed(theirs[0])])
                entry["graph_warm"] = self.clock.twice([graphed(ours[0])])
            except RuntimeError as error:  # a composition that cannot be captured is a result too
                entry["graph_error"] = str(error).splitlines()[0]
        self.rows.append(entry)
        print(json.dumps(entry), flush=True)

    def ceiling(self):
        """Bytes per second, read and written, of a large copy in this run."""
        count = (1 << 30) if self.device == "cuda" else (1 << 26)
        source = torch.empty(count, dtype=torch.uint8, device=self.device)
        target = torch.empty_like(source)
        return 2 * count / (self.clock.twice([lambda: target.copy_(source)])["us"] * 1e-6)


def score_rows(bench, heads, n, dim=128):
    """One query row: softmax over all keys, mean over heads."""
    def make():
        q, k, out = bench.tensor(heads, 1, dim), bench.tensor(heads, n, dim), torch.empty(n, device=bench.device)
        d = abi.Score(dtype=abi.BF16_DTYPE, batch=1, heads_q=heads, heads_kv=heads, head_dim=dim, n_query=1, max_key=n, key_count=n,
                      scale=dim ** -0.5, q=q.data_ptr(), q_sh=dim, q_st=dim, k=k.data_ptr(), k_sh=n * dim, k_sn=dim, out=out.data_ptr(), out_sb=n)

        def theirs():
            return (torch.matmul(q, k.transpose(1, 2)) * dim ** -0.5).float().softmax(-1).mean((0, 1))

        def check():
            call()
            exact = (torch.matmul(q.float(), k.float().transpose(1, 2)) * dim ** -0.5).softmax(-1).mean((0, 1))
            return torch.allclose(out, exact, rtol=1e-3, atol=1e-7)
        call = bench.ours("score", d, q, k, out)
        return call, theirs, check
    bench.row(f"score 1 row H={heads} N={n}", heads * n * dim * 2, make)


def score_many(bench, heads, kv_heads, queries, n, causal=False, dim=128):
    """Many query rows, or with causal the column means of the whole map: softmax, mean over heads and queries. Bytes: keys and queries, once."""
    def make():
        q, k = bench.tensor(heads, queries, dim), bench.tensor(kv_heads, n, dim)
        out = torch.empty(n, device=bench.device)
        d = abi.Score(dtype=abi.BF16_DTYPE, batch=1, heads_q=heads, heads_kv=kv_heads, head_dim=dim, n_query=queries, max_key=n, key_count=n,
                      causal=int(causal), query_pos0=n - queries, scale=dim ** -0.5, q=q.data_ptr(), q_sh=queries * dim, q_st=dim,
                      k=k.data_ptr(), k_sh=n * dim, k_sn=dim, out=out.data_ptr(), out_sb=n)
        hidden = torch.ones(queries, n, dtype=torch.bool, device=bench.device).triu(n - queries + 1) if causal else None

        def composition(left, right):
            logits = torch.matmul(left, right.repeat_interleave(heads // kv_heads, 0).transpose(1, 2)) * dim ** -0.5
            if causal:
                logits = logits.masked_fill(hidden, -float("inf"))
            return logits.float().softmax(-1).mean((0, 1))

        def check():
            call()
            return torch.allclose(out, composition(q.float(), k.float()), rtol=1e-3, atol=1e-7)
        call = bench.ours("score", d, q, k, out)
        return call, lambda: composition(q, k), check
    name = f"column means Q={queries}" if causal else f"score {queries} rows"
    bench.row(f"{name} H={heads}/{kv_heads} N={n}", (heads * queries + kv_heads * n) * dim * 2, make)


def select(bench, n, k):
    def make():
        scores = torch.rand(n, device=bench.device)
        keep, count = (torch.empty(size, dtype=torch.int32, device=bench.device) for size in (k, 1))
        d = abi.Select(rows=1, max_len=n, k=k, max_keep=k, scores=scores.data_ptr(), scores_s=n, keep=keep.data_ptr(), keep_s=k,
                       keep_count=count.data_ptr())

        def theirs():
            return torch.topk(scores, k).indices.sort().values

        def check():
            call()
            return torch.equal(keep.long(), theirs())
        call = bench.ours("select", d, scores, keep, count)
        return call, theirs, check
    bench.row(f"select {k} of {n}", n * 4 + k * 4, make)


def compact(bench, planes, rows, kept, row_bytes=256, prefix=35):
    def make():
        cache = torch.randint(0, 255, (planes, rows, row_bytes), dtype=torch.uint8, device=bench.device)
        middle = torch.randperm(rows - 2 * prefix)[:kept - 2 * prefix].sort().values + prefix
        keep = torch.cat([torch.arange(prefix), middle, torch.arange(rows - prefix, rows)]).to(bench.device, torch.int32)
        addresses = (abi.I64 * planes)(*[cache.data_ptr() + p * rows * row_bytes for p in range(planes)])
        d = abi.Kv(n_planes=planes, batch=1, heads=1, n_rows=rows, row_bytes=row_bytes, max_keep=kept, first_row=prefix,
                   plane_addr=abi.c.cast(addresses, abi.PTR), sn=row_bytes, keep=keep.data_ptr())
        index = keep.long()

        def theirs():
            for plane in cache.view(planes // 64 if planes >= 64 else 1, -1, rows, row_bytes):
                plane[:, :kept] = plane.index_select(1, index)

        def check():
            expected = cache.index_select(1, index)
            call()
            return torch.equal(cache[:, :kept], expected)
        call = bench.ours("kv_compact", d, cache, keep, addresses)
        return call, theirs, check
    bench.row(f"compact {planes} planes {rows} -> {kept}", 2 * planes * (kept - prefix) * row_bytes, make)


def argmax(bench, n, dim):
    def make():
        x = bench.tensor(n, dim)
        value, index = torch.empty(n, device=bench.device), torch.empty(n, dtype=torch.int32, device=bench.device)
        d = abi.Sim(dtype=abi.BF16_DTYPE, op=2, batch=1, n=n, dim=dim, n_pivot=n, eps=1e-12, x=x.data_ptr(), x_sn=dim, x_sb=n * dim,
                    out_val=value.data_ptr(), out_idx=index.data_ptr(), out_sb=n)

        def theirs():
            unit = torch.nn.functional.normalize(x, dim=-1)
            return (unit @ unit.T).fill_diagonal_(-2).max(-1)

        def check():
            call()
            unit = torch.nn.functional.normalize(x.float(), dim=-1)
            return torch.allclose(value, (unit @ unit.T).fill_diagonal_(-2).max(-1).values, atol=2e-3)
        call = bench.ours("sim", d, x, value, index)
        return call, theirs, check
    bench.row(f"arg-max {n} x {dim}", n * dim * 2, make)


def dpp(bench, n, k, dim):
    def make():
        x, weight = bench.tensor(n, dim), torch.rand(n, device=bench.device) + 0.1
        picks = torch.empty(k, dtype=torch.int32, device=bench.device)
        d = abi.Greedy(dtype=abi.BF16_DTYPE, objective=1, batch=1, n=n, dim=dim, k=k, matrix_rows=n, x=x.data_ptr(), x_sn=dim, x_sb=n * dim,
                       weight=weight.data_ptr(), weight_sb=n, out_idx=picks.data_ptr(), out_sb=k)

        def theirs():
            unit = torch.nn.functional.normalize(x.float(), dim=-1)
            kernel = weight[:, None] * (unit @ unit.T) * weight[None, :]
            rest, columns, chosen = kernel.diagonal().clone(), torch.zeros(k, n, device=bench.device), []
            for t in range(k):
                j = torch.argmax(rest)
                column = (kernel[j] - torch.einsum("t,tn->n", columns[:t, j], columns[:t])) / torch.sqrt(rest[j])
                columns[t] = column
                rest = rest - column * column
                rest[j] = -float("inf")
                chosen.append(j)
            return torch.stack(chosen)

        def check():  # long greedy runs are chaotic: the first picks must agree
            call()
            return torch.equal(picks[:8].long(), theirs()[:8])
        call = bench.ours("greedy", d, x, weight, picks)
        return call, theirs, check
    bench.row(f"DPP {k} of {n} x {dim}", n * dim * 2, make)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--library", required=True)
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    parser.add_argument("--json")
    parser.add_argument("--markdown")
    options = parser.parse_args()
    cuda = options.device == "cuda"
    torch.manual_seed(1)
    bench = Bench(options.library, options.device, 50 if cuda else 3)
    ceiling = bench.ceiling()
    for n in (576, 2880, 20000) if cuda else (576,):
        score_rows(bench, 32, n)
        select(bench, n, n // 3)
    for heads, kv_heads, queries, n in ((32, 32, 64, 576), (32, 32, 64, 2880), (28, 4, 64, 2880)) if cuda else ((8, 2, 16, 100),):
        score_many(bench, heads, kv_heads, queries, n)
    for n in (640, 2944) if cuda else (80,):
        score_many(bench, 32 if cuda else 4, 32 if cuda else 4, n, n, causal=True)
    for planes, rows, kept in ((2048, 671, 287), (224, 2944, 1024)) if cuda else ((64, 200, 120),):
        compact(bench, planes, rows, kept)
    argmax(bench, 576, 4096 if cuda else 256)
    dpp(bench, 576, 64 if cuda else 12, 1024 if cuda else 64)
    if cuda:
        dpp(bench, 576, 192, 1024)
        argmax(bench, 2880, 4096)
    name = torch.cuda.get_device_name(0) if cuda else platform.processor() or "CPU, a rehearsal"
    lines = [f"Device: {name}; torch {torch.__version__}; copy ceiling {ceiling / 1e9:.0f} GB/s (read + written), this run.", "",
             "| kernel | us cold | us warm | us warm, graph | GB/s cold | of ceiling | torch cold | torch warm | torch graph | agrees |",
             "|---|---|---|---|---|---|---|---|---|---|"]
    for r in bench.rows:
        rate = r["bytes"] / (r["cold"]["us"] * 1e-6)
        cell = lambda key: f"{r[key]['us']:.1f} ±{r[key]['spread_us']:.1f}" if key in r else "-"
        lines.append(f"| {r['kernel']} | {cell('cold')} | {cell('warm')} | {cell('graph_warm')} | {rate / 1e9:.0f} | {rate / ceiling:.0%} | "
                     f"{cell('torch_cold')} | {cell('torch_warm')} | {cell('torch_graph_warm')} | {'yes' if r['agrees'] else 'NO'} |")
    print("\n".join(lines))
    if options.markdown:
        with open(options.markdown, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"device": name, "torch": torch.__version__, "cuda": torch.version.cuda, "ceiling": ceiling, "rows": bench.rows}, file, indent=1)
    raise SystemExit(0 if all(r["agrees"] for r in bench.rows) else 1)


if __name__ == "__main__":
    main()
