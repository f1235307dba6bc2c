"""Similarity rows of peers.py: all pairs, nearest distances, neighbours of a few pivots, windows."""
import torch

import abi

EPS = 1e-12
CLOSE = 2e-5  # cosines of bfloat16 rows, summed in another order


def describe(bench, op, x, **fields):
    n, dim = x.shape
    return abi.Sim(dtype=abi.BF16_DTYPE, op=op, batch=1, n=n, dim=dim, eps=EPS, x=x.data_ptr(), x_sn=dim, x_sb=n * dim, **fields)


def unit(x):
    return torch.nn.functional.normalize(x, dim=-1, eps=EPS)


def argmax(bench, n, dim):
    """The most similar other row of every row (DART, ToMe)."""
    def make():
        x = bench.tensor(n, dim)
        value, index = torch.empty(n, device=bench.device), torch.empty(n, dtype=torch.int32, device=bench.device)
        d = describe(bench, 2, x, n_pivot=n, out_val=value.data_ptr(), out_idx=index.data_ptr(), out_sb=n)

        def composition(rows):
            rows = unit(rows)
            return (rows @ rows.T).fill_diagonal_(-2).max(-1)

        def check():
            call()
            return torch.allclose(value, composition(x.float()).values, rtol=0, atol=CLOSE)
        call = bench.ours("sim", d, x, value, index)
        return call, lambda: composition(x), check
    bench.row(f"arg-max {n} x {dim}", n * dim * 2, make, n * (n + 1) * dim)


def nearest(bench, n, dim):
    """The distance of every row to the nearest other one (DivPrune's first choice)."""
    def make():
        x, value = bench.tensor(n, dim), torch.empty(n, device=bench.device)
        d = describe(bench, 4, x, n_pivot=n, out_val=value.data_ptr(), out_sb=n)

        def composition(rows):
            rows = unit(rows)
            return (1 - rows @ rows.T).fill_diagonal_(2).amin(-1)

        def check():
            call()
            return torch.allclose(value, composition(x.float()), rtol=0, atol=CLOSE)
        call = bench.ours("sim", d, x, value)
        return call, lambda: composition(x), check
    bench.row(f"nearest distance {n} x {dim}", n * dim * 2 + n * 4, make, n * (n + 1) * dim)


def top_neighbours(bench, n, dim, pivots, top):
    """The most similar rows of some of the rows, in order (PruMerge's 32 neighbours of every kept token)."""
    def make():
        x = bench.tensor(n, dim)
        index = torch.randperm(n)[:pivots].sort().values.to(bench.device)
        listed = index.to(torch.int32)
        value = torch.empty(pivots, top, device=bench.device)
        found = torch.empty(pivots, top, dtype=torch.int32, device=bench.device)
        d = describe(bench, 3, x, n_pivot=pivots, top_m=top, pivot=listed.data_ptr(), pivot_sb=pivots, out_val=value.data_ptr(),
                     out_idx=found.data_ptr(), out_sb=pivots * top, out_sp=top)

        def composition(rows):
            rows = unit(rows)
            similar = rows.index_select(0, index) @ rows.T
            return similar.scatter(1, index[:, None], -2.0).topk(top, dim=-1)

        def check():  # neighbours that are equally near may change places, so that values are compared, and what the indices name
            call()
            rows = unit(x.float())
            named = (rows.index_select(0, index) @ rows.T).gather(1, found.long())
            expected = composition(x.float()).values
            return torch.allclose(value, expected, rtol=0, atol=CLOSE) and torch.allclose(named, expected, rtol=0, atol=CLOSE)
        call = bench.ours("sim", d, x, listed, value, found)
        return call, lambda: composition(x), check
    bench.row(f"top {top} of {n} x {dim} for {pivots}", n * dim * 2 + pivots * top * 8, make, 2 * pivots * n * dim)


def windows(bench, side, win, dim):
    """Mean cosine of the pairs of each window of a square grid (MustDrop)."""
    def make():
        n, count, members = side * side, (side // win) ** 2, win * win
        x, value = bench.tensor(n, dim), torch.empty(count, device=bench.device)
        d = describe(bench, 0, x, win_h=win, win_w=win, grid_w=side, out_val=value.data_ptr(), out_sb=count)

        def composition(rows):
            tiles = unit(rows).view(side // win, win, side // win, win, dim).transpose(1, 2).reshape(count, members, dim)
            pairs = torch.matmul(tiles, tiles.transpose(1, 2))
            return (pairs.sum((1, 2)) - pairs.diagonal(dim1=1, dim2=2).sum(-1)) / (members * (members - 1))

        def check():
            call()
            return torch.allclose(value, composition(x.float()), rtol=0, atol=CLOSE)
        call = bench.ours("sim", d, x, value)
        return call, lambda: composition(x), check
    n, members = side * side, win * win
    bench.row(f"windows {win} x {win} of {side} x {side} x {dim}", n * dim * 2, make, n * (members + 1) * dim)


def run(bench, full):
    """All rows of this page; `full`: in the sizes of models, otherwise small."""
    argmax(bench, 576, 4096 if full else 256)
    if full:
        argmax(bench, 2880, 4096)
    nearest(bench, 576, 1024 if full else 128)
    for n, pivots, top in ((576, 40, 32), (2880, 128, 32)) if full else ((80, 20, 5),):
        top_neighbours(bench, n, 1024 if full else 64, pivots, top)
    windows(bench, 24, 2, 1024 if full else 64)
    windows(bench, 24, 3, 1024 if full else 64)
