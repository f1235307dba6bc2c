"""Rows of peers.py that choose subsets greedily: determinantal process, farthest points, facility location."""
import torch

import abi


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
            for t in range(k):  # written without a value that the host has to wait for, so that it can be captured
                j = torch.argmax(rest, 0, keepdim=True)
                earlier = torch.einsum("t,tn->n", columns[:t].index_select(1, j)[:, 0], columns[:t])
                column = (kernel.index_select(0, j)[0] - earlier) / torch.sqrt(rest.index_select(0, j))
                columns[t] = column
                rest = (rest - column * column).index_fill(0, j, -float("inf"))
                chosen.append(j)
            return torch.cat(chosen)

        def check():  # long greedy runs are chaotic: the first picks must agree
            call()
            return torch.equal(picks[:8].long(), theirs()[:8])
        call = bench.ours("greedy", d, x, weight, picks)
        return call, theirs, check
    bench.row(f"DPP {k} of {n} x {dim}", n * dim * 2, make, 2 * n * k * dim + n * k * k)


def max_min(bench, n, k, dim):
    def make():
        x, picks = bench.tensor(n, dim), torch.empty(k, dtype=torch.int32, device=bench.device)
        d = abi.Greedy(dtype=abi.BF16_DTYPE, objective=0, batch=1, n=n, dim=dim, k=k, matrix_rows=n, x=x.data_ptr(), x_sn=dim, x_sb=n * dim,
                       out_idx=picks.data_ptr(), out_sb=k)

        def theirs():
            unit = torch.nn.functional.normalize(x.float(), dim=-1)
            distance = 1 - unit @ unit.T
            j = distance.fill_diagonal_(float("inf")).amin(1).argmax(0, keepdim=True)
            rest, chosen = torch.full((n,), float("inf"), device=bench.device), [j]
            for _ in range(1, k):
                rest = torch.minimum(rest, distance.index_select(0, j)[0]).index_fill(0, j, -float("inf"))
                j = torch.argmax(rest, 0, keepdim=True)
                chosen.append(j)
            return torch.cat(chosen)

        def check():  # two rows can be one another's nearest: every choice must be as far away as any, not be the same row
            call()
            unit = torch.nn.functional.normalize(x.float(), dim=-1)
            distance = 1 - unit @ unit.T
            rest, met = distance.clone().fill_diagonal_(float("inf")).amin(1), torch.full((n,), float("inf"), device=bench.device)
            for j in picks.tolist():
                if not rest[j] > rest.max() - 1e-5:
                    return False
                met = torch.minimum(met, distance[j]).index_fill(0, torch.tensor([j], device=bench.device), -float("inf"))
                rest = met
            return True
        call = bench.ours("greedy", d, x, picks)
        return call, theirs, check
    bench.row(f"max-min {k} of {n} x {dim}", n * dim * 2, make, n * (n + 1) * dim + 2 * n * k * dim)


def coverage(bench, n, k, dim):
    """Facility location: every choice covers all rows as well as one more row can."""
    def make():
        x, picks, gain = bench.tensor(n, dim), torch.empty(k, dtype=torch.int32, device=bench.device), torch.empty(k, device=bench.device)
        d = abi.Greedy(dtype=abi.BF16_DTYPE, objective=2, batch=1, n=n, dim=dim, k=k, matrix_rows=n, f_scale=0.5, f_shift=0.5,
                       x=x.data_ptr(), x_sn=dim, x_sb=n * dim, out_idx=picks.data_ptr(), out_sb=k, out_gain=gain.data_ptr())

        def closeness(rows):
            rows = torch.nn.functional.normalize(rows, dim=-1)
            return (rows @ rows.T).float() * 0.5 + 0.5

        def theirs():
            close = closeness(x)
            covered, gone, chosen = torch.zeros(n, 1, device=bench.device), torch.zeros(n, device=bench.device), []
            for _ in range(k):
                gains = (close - covered).clamp_min(0).sum(0) + gone
                j = torch.argmax(gains, 0, keepdim=True)
                covered = torch.maximum(covered, close.index_select(1, j))
                gone = gone.index_fill(0, j, -float("inf"))
                chosen.append(j)
            return torch.cat(chosen)

        def check():  # gains of two rows can be as close as sums in another order: every choice must gain as much as any
            call()
            close = closeness(x.float())
            covered = torch.zeros(n, 1, device=bench.device)
            for j, reported in zip(picks.tolist(), gain.tolist()):
                gains = (close - covered).clamp_min(0).sum(0)
                slack = 1e-4 * float(gains.max()) + 1e-4
                if gains[j] < gains.max() - slack or abs(float(gains[j]) - reported) > slack:
                    return False
                covered = torch.maximum(covered, close[:, j:j + 1])
            return len(set(picks.tolist())) == k
        call = bench.ours("greedy", d, x, picks, gain)
        return call, theirs, check
    # The similarities once; then every choice reads them all, from L2, and does three operations with each.
    bench.row(f"coverage {k} of {n} x {dim}", n * dim * 2, make, n * (n + 1) * dim + 3 * n * n * k)


def run(bench, full):
    """All rows of this page; `full`: in the sizes of models, otherwise small."""
    for objective in (max_min, dpp, coverage):
        objective(bench, 576, 64 if full else 12, 1024 if full else 64)
    if full:
        dpp(bench, 576, 192, 1024)
