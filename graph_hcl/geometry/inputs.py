"""What the measures of an embedding take: features as tensors of floats."""

from __future__ import annotations

from torch import Tensor

from graph_hcl.losses.inputs import check_tensor
from graph_hcl.losses.precision import at_least_float


def features(values: Tensor, name: str = "z", *, rows: int = 1) -> Tensor:
    """Return features [M, d] in float32 at least.

    Raises `ValueError` for what is no tensor of floats, for another shape, and for fewer than
    `rows` rows.

    >>> import numpy
    >>> features(numpy.ones((2, 3)))
    Traceback (most recent call last):
    ValueError: Expected z to be a tensor, but got ndarray: use torch.as_tensor(z).
    """
    check_tensor(name, values)
    if not values.is_floating_point():
        raise ValueError(f"Expected {name} to hold floats, but got {values.dtype}.")
    if values.dim() != 2 or len(values) < rows:
        least = "one row" if rows == 1 else f"{rows} rows"
        raise ValueError(
            f"Expected {name} [M, d] of {least} or more, but got {list(values.shape)}."
        )
    return at_least_float(values)
