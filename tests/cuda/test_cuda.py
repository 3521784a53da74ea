"""The package on a CUDA device, against the CPU: the checks of `benchmarks.device.checks`.

GRAPH_HCL_TEST_DEVICE=cpu runs them where there is none, to try the checks themselves.
"""

import os

import pytest
import torch

from benchmarks.device import checks

# The deterministic mode needs it before the first product of matrices of this process.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
DEVICE = torch.device(os.environ.get("GRAPH_HCL_TEST_DEVICE", "cuda"))
pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(
        DEVICE.type == "cuda" and not torch.cuda.is_available(), reason="needs a CUDA device"
    ),
    pytest.mark.filterwarnings("ignore"),
]
ALL = checks.CHECKS | checks.ON_HARDWARE


@pytest.mark.parametrize("name", ALL)
def test_the_device_gives_what_the_cpu_gives(name: str) -> None:
    try:
        ALL[name](DEVICE)
    except checks.Skipped as why:
        pytest.skip(str(why))
