"""The check of embeddings that are measured."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graph_hcl.errors import UserError
from graph_hcl.probes.checks import square_limit
from graph_hcl.probes.labels import on_host


def check_embeddings(embeddings: ArrayLike, graphs: int) -> NDArray[np.float64]:
    """Return embeddings [G, D] as an array.

    A tensor may be on any device and have a gradient. Raises `UserError` for another shape, NaN and
    infinity, and numbers whose squares overflow.

    >>> check_embeddings([[1], [2]], 2).shape
    (2, 1)
    """
    try:
        x = np.asarray(on_host(embeddings), dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise UserError(
            f"Expected embeddings as numbers [{graphs}, D], but got {type(embeddings).__name__} "
            "without such numbers: GraphContrast().fit_transform(graphs) embeds graphs."
        ) from error
    if x.ndim != 2 or len(x) != graphs:
        raise UserError(
            f"Expected one embedding for each of the {graphs} labels [{graphs}, D], but got an "
            f"array of shape {list(x.shape)}."
        )
    if not np.isfinite(x).all():
        graph = int((~np.isfinite(x).all(1)).argmax())
        raise UserError(
            f"Expected finite embeddings, but that of graph {graph} has NaN or infinite entries: "
            "did training diverge?"
        )
    limit = square_limit(graphs)  # standardising sums squared differences
    size = np.abs(x).max(1, initial=0)
    if size.max(initial=0) > limit:
        raise UserError(
            f"Expected embeddings of {limit:.2g} or less in size, but that of graph "
            f"{size.argmax()} reaches {size.max():.2g}, whose square overflows: divide all by "
            "their largest entry."
        )
    return x
