#!/usr/bin/env python3
"""Times the kernels beside the torch composition that a user would write, on the same tensors and stream.

Every row: our call and the composition, each eagerly and in a CUDA graph; median of CUDA-event times, each measured twice (a difference
smaller than the two readings' spread is noise). "cold" rotates over inputs that together exceed L2, "warm" repeats one; a graph holds up to
16 calls on different inputs, and its time is divided by their number. The rate and the share of the roofline (the larger of the bytes over
the copy ceiling and the operations over the product ceiling, both measured in the same run) are those of the graph.
--device cpu is a rehearsal of the script on a machine without a GPU; its times mean nothing.
"""
import argparse

import torch

import abi
import peers_greedy
import peers_similarity
from bench import Bench


def score_rows(bench, heads, n, dim=128):
    """One query row: softmax over all keys, mean over heads."""
    def make():
        q, k, out = bench.tensor(heads, 1, dim), bench.tensor(heads, n, dim), torch.empty(n, device=bench.device)
        d = abi.Score(dtype=abi.BF16_DTYPE, batch=1, heads_q=heads, heads_kv=heads, head_dim=dim, n_query=1, max_key=n, key_count=n,
                      scale=dim ** -0.5, q=q.data_ptr(), q_sh=dim, q_st=dim, k=k.data_ptr(), k_sh=n * dim, k_sn=dim,
                      out=out.data_ptr(), out_sb=n)

        def theirs():
            return (torch.matmul(q, k.transpose(1, 2)) * dim ** -0.5).float().softmax(-1).mean((0, 1))

        def check():
            call()
            exact = (torch.matmul(q.float(), k.float().transpose(1, 2)) * dim ** -0.5).softmax(-1).mean((0, 1))
            return torch.allclose(out, exact, rtol=1e-3, atol=1e-7)
        call = bench.ours("score", d, q, k, out)
        return call, theirs, check
    bench.row(f"score 1 row H={heads} N={n}", heads * n * dim * 2, make, 2 * heads * n * dim)


def score_many(bench, heads, kv_heads, queries, n, causal=False, dim=128):
    """Many query rows, or with causal the column means of the whole map: softmax, mean over heads and queries."""
    def make():
        q, k = bench.tensor(heads, queries, dim), bench.tensor(kv_heads, n, dim)
        out = torch.empty(n, device=bench.device)
        d = abi.Score(dtype=abi.BF16_DTYPE, batch=1, heads_q=heads, heads_kv=kv_heads, head_dim=dim, n_query=queries, max_key=n,
                      key_count=n, causal=int(causal), query_pos0=n - queries, scale=dim ** -0.5, q=q.data_ptr(), q_sh=queries * dim,
                      q_st=dim, k=k.data_ptr(), k_sh=n * dim, k_sn=dim, out=out.data_ptr(), out_sb=n)
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
    pairs = queries * (n - queries) + queries * (queries + 1) // 2 if causal else queries * n
    # Two passes over the pairs: one for the sum of a row, one for the columns.
    bench.row(f"{name} H={heads}/{kv_heads} N={n}", (heads * queries + kv_heads * n) * dim * 2, make, 2 * 2 * heads * pairs * dim)


def select(bench, name, n, fields, composition, captured=None):
    """A selection of one row, written as an ascending keep-list.

    composition(scores): the indices kept, as a user would find them; captured(scores): the same where that cannot be captured in a graph.
    """
    def make():
        scores = torch.rand(n, device=bench.device)
        keep, count = (torch.empty(size, dtype=torch.int32, device=bench.device) for size in (n, 1))
        d = abi.Select(rows=1, max_len=n, max_keep=n, scores=scores.data_ptr(), scores_s=n, keep=keep.data_ptr(), keep_s=n,
                       keep_count=count.data_ptr(), **fields)

        def check():
            call()
            expected = composition(scores)
            if count.item() != len(expected):
                return False
            listed, length = (captured or (lambda values: (expected, count)))(scores)
            return torch.equal(keep[:len(expected)].long(), expected) and torch.equal(listed[:count.item()].long(), expected) \
                and length.item() == count.item()
        call = bench.ours("select", d, scores, keep, count)
        return call, lambda: composition(scores), check, lambda: (captured or composition)(scores)
    bench.row(name, 2 * n * 4, make)


def listed_in_place(mask):
    """The indices of a mask in an array that has room for all, and their number: what does not make the host wait."""
    place, n = mask.cumsum(0), mask.numel()
    target = torch.where(mask, place - 1, n)
    indices = torch.empty(n + 1, dtype=torch.int64, device=mask.device)
    return indices.scatter_(0, target, torch.arange(n, device=mask.device)), place[-1:]


def selections(bench, n):
    k, quarters = n // 3, torch.tensor([0.25, 0.75], device=bench.device)

    def outliers(scores):  # a fence low enough that uniform scores pass it
        quartiles = torch.quantile(scores, quarters)
        return scores > quartiles[1] + 0.1 * (quartiles[1] - quartiles[0])

    select(bench, f"select {k} of {n}", n, {"rule": 0, "k": k}, lambda scores: torch.topk(scores, k).indices.sort().values)
    # A count that only the device knows makes torch wait for it (nonzero), which cannot be captured.
    for name, fields, mask in (("a threshold", {"rule": 1, "threshold": 0.75}, lambda scores: scores > 0.75),
                               ("the IQR fence", {"rule": 3, "iqr_factor": 0.1}, outliers)):
        select(bench, f"select above {name} of {n}", n, fields, lambda scores, mask=mask: mask(scores).nonzero()[:, 0],
               lambda scores, mask=mask: listed_in_place(mask(scores)))


def gather(bench, n, kept, dim):
    def make():
        rows, out = bench.tensor(n, dim), bench.tensor(kept, dim)
        index = torch.randperm(n)[:kept].sort().values.to(bench.device)
        keep = index.to(torch.int32)
        d = abi.Gather(batch=1, n_rows=n, row_bytes=2 * dim, max_keep=kept, src=rows.data_ptr(), src_sn=2 * dim, dst=out.data_ptr(),
                       dst_sn=2 * dim, keep=keep.data_ptr())

        def check():
            call()
            return torch.equal(out, rows.index_select(0, index))
        call = bench.ours("gather_rows", d, rows, out, keep)
        return call, lambda: rows.index_select(0, index), check
    bench.row(f"gather {kept} of {n} x {dim}", 2 * kept * dim * 2, make)


def merge(bench, n, kept, dim):
    """Every row into one of the kept ones, in order: means."""
    def make():
        rows, out = bench.tensor(n, dim), bench.tensor(kept, dim)
        target = torch.cat([torch.arange(kept), torch.randint(0, kept, (n - kept,))]).sort(stable=True)
        sizes = torch.bincount(target.values, minlength=kept)
        begin = torch.cat([torch.zeros(1, dtype=torch.long), sizes.cumsum(0)]).to(bench.device, torch.int32)
        source = target.indices.to(bench.device, torch.int32)
        order, place = target.indices.to(bench.device), target.values.to(bench.device)
        divisor = sizes.to(bench.device, torch.float32)[:, None]
        d = abi.Merge(dtype=abi.BF16_DTYPE, batch=1, n_rows=n, dim=dim, n_seg=kept, n_entry=n, normalise=1, src=rows.data_ptr(), src_sn=dim,
                      dst=out.data_ptr(), dst_sn=dim, seg_begin=begin.data_ptr(), seg_src=source.data_ptr())

        def theirs():
            sums = torch.zeros(kept, dim, device=bench.device)
            return (sums.index_add_(0, place, rows.index_select(0, order).float()) / divisor).to(rows.dtype)

        def check():
            call()
            return torch.allclose(out.float(), theirs().float(), rtol=1e-2, atol=1e-5)
        call = bench.ours("merge_rows", d, rows, out, begin, source)
        return call, theirs, check
    bench.row(f"merge {n} x {dim} into {kept}", (n + kept) * dim * 2, make)


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


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--library", required=True)
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    parser.add_argument("--json")
    parser.add_argument("--markdown")
    options = parser.parse_args()
    cuda = options.device == "cuda"
    torch.manual_seed(1)
    bench = Bench(options.library, options.device, 50 if cuda else 3, options.json, options.markdown)
    for n in (576, 2880, 20000) if cuda else (576,):
        score_rows(bench, 32, n)
        selections(bench, n)
    for heads, kv_heads, queries, n in ((32, 32, 64, 576), (32, 32, 64, 2880), (28, 4, 64, 2880)) if cuda else ((8, 2, 16, 100),):
        score_many(bench, heads, kv_heads, queries, n)
    for n in (640, 2944) if cuda else (80,):
        score_many(bench, 32 if cuda else 4, 32 if cuda else 4, n, n, causal=True)
    for planes, rows, kept in ((2048, 671, 287), (224, 2944, 1024)) if cuda else ((64, 200, 120),):
        compact(bench, planes, rows, kept)
    gather(bench, 671, 287, 4096)
    merge(bench, 576, 64, 4096)
    peers_similarity.run(bench, cuda)
    peers_greedy.run(bench, cuda)
    if not options.markdown:
        print(bench.table())
    raise SystemExit(0 if bench.passed() else 1)


if __name__ == "__main__":
    main()
