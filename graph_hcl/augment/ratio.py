"""The ranges of the ratios that augmentations take."""

from __future__ import annotations

from graph_hcl.errors import UserError


def check_drop_ratio(ratio: float, name: str = "ratio", of: str = "") -> None:
    """Raise `UserError` unless 0 ≤ ratio < 1: what is changed must leave something.

    >>> check_drop_ratio(1.5, "p")
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected p with 0 <= p < 1, but got 1.5.
    """
    if not 0 <= ratio < 1:
        subject = f"the {name} of {of}" if of else name
        raise UserError(f"Expected {subject} with 0 <= {name} < 1, but got {ratio}.")


def check_keep_ratio(ratio: float, name: str = "ratio", of: str = "") -> None:
    """Raise `UserError` unless 0 < ratio ≤ 1: something must be kept.

    >>> check_keep_ratio(0.0)
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected ratio (the fraction of nodes that stay) with \
0 < ratio <= 1, but got 0.0.
    """
    if not 0 < ratio <= 1:
        subject = f"the {name} of {of}" if of else name
        raise UserError(
            f"Expected {subject} (the fraction of nodes that stay) with 0 < {name} <= 1, but got "
            f"{ratio}."
        )
