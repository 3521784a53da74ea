"""Writes a page for each data set, from its card, when the documentation is built."""

from typing import Any


def setup(app: Any) -> dict[str, Any]:
    """Register nothing yet."""
    return {"parallel_read_safe": True, "parallel_write_safe": True}
