"""One layer beside other libraries on the same cores, in one run.

One thread, float32, least CPU times of alternating turns. Peers that are not installed are left out:
opt_einsum over NumPy with its best path found beforehand, the same with what cores make among themselves
contracted beforehand (opt_einsum's constants), torch.einsum, cotengra, tltorch, torchTT.
usage: peers.py [--rows 1,32,512] [--seconds 1] [--json]
"""

import argparse
import json
import os
import sys

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np  # noqa: E402

import ttkit as tk  # noqa: E402
from dense import executor, turns  # noqa: E402
from gradients import equation  # noqa: E402
from layers import cores_of, layer  # noqa: E402


def opt_einsum_runs(text, x, cores):
    import opt_einsum
    shapes = [x.shape, *(core.shape for core in cores)]
    plain = opt_einsum.contract_expression(text, *shapes, optimize="dp")
    merged = opt_einsum.contract_expression(
        text, x.shape, *cores, optimize="dp", constants=range(1, len(shapes)))
    merged(x)
    return {"opt_einsum": lambda: plain(x, *cores), "opt_einsum, constants": lambda: merged(x)}


def torch_runs(text, x, cores):
    import torch
    torch.set_num_threads(1)
    given = [torch.from_numpy(array) for array in (x, *cores)]

    def run():
        with torch.no_grad():
            torch.einsum(text, *given)
    return {"torch.einsum": run}


def cotengra_runs(text, x, cores):
    import cotengra
    shapes = [x.shape, *(core.shape for core in cores)]
    expression = cotengra.einsum_expression(text, *shapes, optimize="auto-hq")
    return {"cotengra": lambda: expression(x, *cores)}


def tltorch_runs(name, flat, cores, out, inputs, rank):
    import torch
    import tltorch
    from layers import MODES
    if name != "train_matrix":
        return {}
    made = tltorch.FactorizedLinear(
        MODES[inputs], MODES[out], bias=False, factorization="blocktt", rank=rank,
        implementation="factorized")
    x = torch.from_numpy(flat)

    def run():
        with torch.no_grad():
            made(x)
    return {"tltorch": run}


def torchtt_runs(name, flat, cores, out, inputs, rank):
    import torch
    import torchtt
    from layers import MODES
    if name != "train_matrix":
        return {}
    made = torchtt.nn.LinearLayerTT(
        list(MODES[inputs]), list(MODES[out]), [1, *[rank] * (len(MODES[out]) - 1), 1],
        dtype=torch.float32)
    x = torch.from_numpy(flat).reshape(len(flat), *MODES[inputs])

    def run():
        with torch.no_grad():
            made(x)
    return {"torchTT": run}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", default="1,32,512")
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    random = np.random.default_rng(2)
    for name, rank, out, inputs in (
            ("train_matrix", 8, 3072, 768), ("train_matrix", 8, 4096, 4096),
            ("train_matrix", 64, 4096, 4096), ("train", 32, 3072, 768),
            ("block_tensor_train", 4, 1024, 1024)):
        for rows in map(int, given.rows.split(",")):
            spec, shapes = layer(name, out, inputs, rank)
            cores = cores_of(shapes)
            flat = random.standard_normal((rows, inputs)).astype(np.float32)
            y = np.empty((rows, out), np.float32)
            made = tk.Linear.from_cores(spec, cores, in_features=inputs, out_features=out)
            text, modes = equation(name, out, inputs)
            x = flat.reshape(rows, *modes[inputs])
            runs = {"ours": executor(made.prepare(rows, threads=1), flat, y)}
            runs["dense, NumPy"] = lambda a=flat, b=made.dense().T, y=y: np.matmul(a, b, out=y)
            for make, arguments in ((opt_einsum_runs, (text, x, cores)),
                                    (torch_runs, (text, x, cores)),
                                    (cotengra_runs, (text, x, cores)),
                                    (tltorch_runs, (name, flat, cores, out, inputs, rank)),
                                    (torchtt_runs, (name, flat, cores, out, inputs, rank))):
                try:
                    made_runs = make(*arguments)
                    for run in made_runs.values():
                        run()
                    runs.update(made_runs)
                except Exception as error:  # a peer that is missing or refuses: say so, go on
                    print(f"{make.__name__}: {error}", file=sys.stderr)
            times = turns(runs, given.seconds)
            record = {"format": name, "rank": rank, "out": out, "in": inputs, "rows": rows,
                      "milliseconds": {k: round(t * 1e3, 4) for k, t in times.items()},
                      "times slower than ours": {
                          k: round(t / times["ours"], 2) for k, t in times.items() if k != "ours"}}
            print(json.dumps(record), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
