"""How each test process starts."""

import importlib.util
import os
import signal

import torch

# One thread: small tensors spend their time waiting for each other.
for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))  # torch read it when it was imported
# Tests interrupt commands; a shell that starts the tests in the background has them ignore that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if not torch.cuda.is_available():
    # Before Triton is imported: its kernels run on the CPU, where it is installed.
    os.environ.setdefault("TRITON_INTERPRET", "1")
_TRITON = [
    "graph_hcl/triton_probe.py",
    "graph_hcl/augment/triton_walk.py",
    *(
        f"graph_hcl/losses/_kernels/triton_{name}.py"
        for name in ("tiles", "negatives", "positives")
    ),
]
collect_ignore = [] if importlib.util.find_spec("triton") else _TRITON
