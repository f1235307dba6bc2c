"""Times one kernel call beside a torch composition: the clock, the ceilings of the device, and the table."""
import json
import platform
import statistics
import time

import torch

import abi

L2_BYTES = 128 << 20
MOST_COPIES = 64       # inputs that a cold measurement goes round
MOST_IN_GRAPH = 16     # calls of one graph


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

    def twice(self, calls, share=1):
        """The better of two medians and how far they lie apart; of one of `share` equal parts of a call."""
        a, b = self.median(calls) / share, self.median(calls) / share
        return {"us": min(a, b), "spread_us": abs(a - b)}


def graphed(calls):
    """One replay of a CUDA graph of all the calls, which must work on fixed tensors."""
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        for call in calls[:2]:
            call()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for call in calls:
            call()
    return graph.replay


def first_line(error):
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"


class Bench:
    def __init__(self, library, device, rounds, json_path=None, markdown_path=None):
        self.device, self.cuda, self.clock = device, device == "cuda", Clock(device, rounds)
        self.winnow = abi.Winnow(library, abi.CUDA if self.cuda else abi.CPU)
        self.rows, self.json_path, self.markdown_path = [], json_path, markdown_path
        self.name = torch.cuda.get_device_name(0) if self.cuda else f"{platform.processor() or 'CPU'}, a rehearsal"
        self.bandwidth, self.arithmetic = self.copy_ceiling(), self.product_ceiling()

    def stream(self):
        return torch.cuda.current_stream().cuda_stream if self.cuda else None

    def tensor(self, *shape, dtype=torch.bfloat16):
        return torch.randn(*shape, device=self.device, dtype=torch.float32).to(dtype)

    def ours(self, name, desc, *tensors):
        """A call that keeps its workspace and the tensors behind the descriptor alive."""
        size = self.winnow.workspace(name, desc) if name in abi.WITH_WORKSPACE else 0
        memory = torch.empty(size + 256, dtype=torch.uint8, device=self.device)
        address = (memory.data_ptr() + 255) // 256 * 256

        def call(held=(memory, tensors)):
            self.winnow.call(name, desc, address if size else None, size, self.stream())
        return call

    def row(self, name, moved, make, flops=0):
        """make() -> (our call, torch call, check[, torch call to capture]); several instances make the cold rotation. The check compares
        results once. What is captured in a graph is the torch call where no other is given.

        moved, flops: bytes that must move and operations that must be done, the kernel's floor. A row that fails leaves the others alone.
        """
        entry = {"kernel": name, "bytes": moved, "flops": flops, "agrees": False}
        self.rows.append(entry)
        try:
            copies = max(2, min(MOST_COPIES, L2_BYTES // max(moved, 1) + 1)) if self.cuda else 2
            instances = [make() for _ in range(copies)]
            entry["agrees"] = bool(instances[0][2]())
            for key, calls, captured in (("", [i[0] for i in instances], [i[0] for i in instances]),
                                         ("torch_", [i[1] for i in instances], [i[3] if len(i) > 3 else i[1] for i in instances])):
                entry[key + "cold"] = self.clock.twice(calls)
                entry[key + "warm"] = self.clock.twice(calls[:1])
                if self.cuda:
                    self.graph(entry, key + "graph", captured[:MOST_IN_GRAPH])
        except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to this row
            entry["error"] = first_line(error)
        print(f"{name}: {entry.get('error') or ('agrees' if entry['agrees'] else 'DISAGREES')}", flush=True)
        self.write()

    def graph(self, entry, key, calls):
        try:
            entry[key] = self.clock.twice([graphed(calls)], len(calls))
        except RuntimeError as error:  # a composition that cannot be captured is a result too
            entry[key + "_error"] = first_line(error)

    def copy_ceiling(self):
        """Bytes per second, read and written, of a large copy in this run."""
        count = (1 << 30) if self.cuda else (1 << 26)
        source = torch.empty(count, dtype=torch.uint8, device=self.device)
        target = torch.empty_like(source)
        return 2 * count / (self.clock.twice([lambda: target.copy_(source)])["us"] * 1e-6)

    def product_ceiling(self):
        """Operations per second of a large bfloat16 product in this run."""
        n = 8192 if self.cuda else 256
        a, b = self.tensor(n, n), self.tensor(n, n)
        return 2 * n ** 3 / (self.clock.twice([lambda: a @ b])["us"] * 1e-6)

    def table(self):
        titles = ("kernel, size", "us cold", "us warm", "us in a graph", "torch cold", "torch warm", "torch in a graph", "rate",
                  "of roofline", "agrees")
        lines = [f"Device: {self.name}; torch {torch.__version__}. Ceilings of this run: copy {self.bandwidth / 1e9:.0f} GB/s (read and "
                 f"written), bfloat16 product {self.arithmetic / 1e12:.1f} TFLOP/s.", "",
                 f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
        for r in self.rows:
            def cell(key, r=r):
                return f"{r[key]['us']:.1f} ±{r[key]['spread_us']:.1f}" if key in r else "-"
            best = r.get("graph") or r.get("cold")
            rate, share = "-", "-"
            if best:
                seconds, memory, work = best["us"] * 1e-6, r["bytes"] / self.bandwidth, r["flops"] / self.arithmetic
                rate = f"{r['flops'] / seconds / 1e12:.2f} TFLOP/s" if work > memory else f"{r['bytes'] / seconds / 1e9:.0f} GB/s"
                share = f"{max(memory, work) / seconds:.0%}"
            agrees = r.get("error") or ("yes" if r["agrees"] else "NO")
            cells = (r["kernel"], *map(cell, ("cold", "warm", "graph", "torch_cold", "torch_warm", "torch_graph")), rate, share, agrees)
            lines.append(f"| {' | '.join(cells)} |")
        return "\n".join(lines) + "\n"

    def write(self):
        """After every row, so that a run that is cut short leaves what it has."""
        if self.markdown_path:
            with open(self.markdown_path, "w", encoding="utf-8") as file:
                file.write(self.table())
        if self.json_path:
            with open(self.json_path, "w", encoding="utf-8") as file:
                json.dump({"device": self.name, "torch": torch.__version__, "cuda": torch.version.cuda, "bandwidth": self.bandwidth,
                           "arithmetic": self.arithmetic, "rows": self.rows}, file, indent=1)

    def passed(self):
        return all(r["agrees"] and "error" not in r for r in self.rows)
