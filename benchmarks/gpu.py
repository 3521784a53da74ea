"""What this package does on a GPU: is it right, where does it wait, how fast is it?

    python benchmarks/gpu.py --out FOLDER             the checks of tests/cuda, and all measurements
    python benchmarks/gpu.py --out FOLDER --quick     in under three minutes
    python benchmarks/gpu.py --out FOLDER --device cpu --quick    tries the command itself

FOLDER/gpu.json is written anew after each step and during it, so that a run that is cut keeps what
it has. A kernel that ends its process, or never ends, costs one case or one step. Each measurement
stands beside a peer's in the same run. It needs no network, and no more than PyTorch (2.7 or
later), PyG, scikit-learn, PyYAML and safetensors; a step that lacks a package says so. Its graphs
are generated with the shapes of PROTEINS, NCI1, REDDIT-BINARY and COLLAB unless --mirror or
$GRAPH_HCL_TU_MIRROR is a folder of their NAME.zip.

Copied to benchmarks/results/gpu/NAME.json, the file makes a section of docs/scale/performance.md,
by `python -m benchmarks.pages.performance`.
"""

import argparse
import os
import sys
import time
from pathlib import Path

if not __package__:  # run as a file: the package beside this folder need not be installed
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.device.steps import FILE, STEPS, run_all


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    found.add_argument("--out", type=Path, required=True, help="folder of the results")
    found.add_argument("--quick", action="store_true", help="fewer and smaller cases")
    found.add_argument("--mirror", help="folder of the data sets, as NAME.zip")
    found.add_argument("--device", default="cuda", help="cuda, cuda:1, …, or cpu")
    found.add_argument("--budget", type=float, help="seconds that each step may take")
    names = [step.name for step in STEPS]
    found.add_argument("--only", nargs="+", choices=names, metavar="STEP", help=", ".join(names))
    return found


def main(words: list[str] | None = None) -> int:
    options = parser().parse_args(words)
    # The deterministic mode needs it before the first product of matrices of a process.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    import torch

    from benchmarks.device.machine import Machine

    try:
        device = torch.device(options.device)
    except RuntimeError:
        device = None
    if device is None or device.type not in ("cuda", "cpu"):
        print(f"error: Expected --device cuda or cpu, but got '{options.device}'.", file=sys.stderr)
        return 2
    if device.type == "cuda":
        if not torch.cuda.is_available():
            print(
                f"error: Expected a CUDA device, but PyTorch {torch.__version__} finds none on "
                "this machine: run it where there is one, or try the command by --device cpu.",
                file=sys.stderr,
            )
            return 2
        if (device.index or 0) >= (count := torch.cuda.device_count()):
            print(
                f"error: Expected --device cuda:0 to cuda:{count - 1}, but got '{options.device}'.",
                file=sys.stderr,
            )
            return 2
    if options.mirror:
        os.environ["GRAPH_HCL_TU_MIRROR"] = str(Path(options.mirror).resolve())
    start = time.perf_counter()
    known = run_all(
        Machine(device, options.quick),
        options.out,
        os.environ.get("GRAPH_HCL_TU_MIRROR"),
        only=options.only or (),
        budget=options.budget,
        tell=lambda line: print(line, flush=True),
    )
    failed = [name for name, step in known["steps"].items() if {"failed", "lost"} & step.keys()]
    took = time.perf_counter() - start
    print(f"{options.out / FILE}: {len(known['steps'])} steps in {took:.0f} s")
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return int(bool(failed))


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # not to wait for a process that hangs in its device's driver
