"""One thread for each test process: small tensors spend their time waiting for each other."""

import importlib.util
import os

import torch

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
if not torch.cuda.is_available():
    # Before Triton is imported: its kernels run on the CPU, where it is installed.
    os.environ.setdefault("TRITON_INTERPRET", "1")
collect_ignore = (
    [] if importlib.util.find_spec("triton") else ["graph_hcl/losses/_kernels/triton_tiles.py"]
)
