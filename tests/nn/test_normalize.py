"""Features on the sphere and in the ball, in every precision and at every length."""

import pytest
import torch
from torch.nn import functional as F

from graph_hcl.nn import normalize

TYPES = [torch.float16, torch.bfloat16, torch.float32, torch.float64]


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("how", ["sphere", "ball"])
@pytest.mark.parametrize("scale", [1e-5, 0.3, 1.0, 300.0])
def test_equals_double_precision(how, dtype, scale) -> None:
    z = (scale * torch.randn(5, 7, generator=torch.Generator().manual_seed(0))).to(dtype)
    exact = z.double()
    exact = F.normalize(exact) if how == "sphere" else exact / exact.norm(dim=1)[:, None].clamp(1)
    found = normalize(z, how)
    assert found.dtype == (torch.float32 if dtype.itemsize == 2 else dtype)
    torch.testing.assert_close(found.double(), exact, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("how", ["sphere", "ball"])
def test_zero_rows_stay_and_pull_nowhere(how, dtype) -> None:
    z = torch.zeros(3, 4, dtype=dtype)
    z[0, 0] = 2
    z.requires_grad_()
    found = normalize(z, how)
    assert found.tolist() == [[1.0, 0, 0, 0], [0.0] * 4, [0.0] * 4]
    (slope,) = torch.autograd.grad(found.sum(), z)
    assert slope.isfinite().all()
    if how == "sphere":
        assert (slope[1:] == 0).all()
        assert (slope[0, 1:] != 0).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_squares_neither_vanish_nor_overflow(dtype) -> None:
    z = torch.tensor([[3e-30, 4e-30], [3e30, 4e30]], dtype=dtype)
    expected = torch.tensor([[0.6, 0.8]] * 2, dtype=dtype)
    torch.testing.assert_close(normalize(z), expected)
    torch.testing.assert_close(normalize(z, "ball")[1:], expected[1:])


@pytest.mark.parametrize("how", ["sphere", "ball"])
def test_derivatives(how) -> None:
    z = torch.randn(6, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    z = (z * torch.tensor([0.1, 0.3, 1.0, 2.0, 3.0, 9.0])[:, None]).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda z: normalize(z, how), (z,))
    assert torch.autograd.gradgradcheck(lambda z: normalize(z, how), (z,))
