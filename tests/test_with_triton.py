"""Whether Triton's kernels run, and in which precision, as the user's switches say."""

import pytest
import torch

from graph_hcl.with_triton import tf32_allowed, why_no_kernel, why_not_run


@pytest.fixture
def switches():
    """Set the switches of TF32 back after a test."""
    yield
    if hasattr(torch.backends, "fp32_precision"):
        torch.backends.fp32_precision = "none"
        torch.backends.cuda.matmul.fp32_precision = "none"
    else:
        torch.backends.cuda.matmul.allow_tf32 = False


def old_switch() -> None:
    torch.backends.cuda.matmul.allow_tf32 = True


def precision() -> None:
    torch.set_float32_matmul_precision("high")


def new_switch() -> None:
    torch.backends.cuda.matmul.fp32_precision = "tf32"


def switch_of_all() -> None:
    torch.backends.fp32_precision = "tf32"


@pytest.mark.parametrize("allow", [old_switch, precision, new_switch, switch_of_all])
def test_each_switch_of_tf32_counts(allow, switches) -> None:
    if allow in (new_switch, switch_of_all) and not hasattr(torch.backends, "fp32_precision"):
        pytest.skip("this PyTorch has the old switch alone")
    assert not tf32_allowed()
    allow()
    assert tf32_allowed()


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_a_triton_that_does_not_run_is_told_once_and_left_out() -> None:
    why_not_run.cache_clear()
    with pytest.warns(UserWarning, match="Triton cannot run on cuda, so slower forms are taken"):
        assert why_not_run(torch.device("cuda")) == "a Triton that does not run here"
    assert why_not_run(torch.device("cuda")) == "a Triton that does not run here"
    why_not_run.cache_clear()


def test_without_triton_there_is_no_kernel() -> None:
    assert why_no_kernel(torch.device("cuda"), None) == "no Triton (pip install triton)"
