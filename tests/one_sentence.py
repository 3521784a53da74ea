"""What an error says of a mistake: one sentence."""

from collections.abc import Callable

import pytest

from graph_hcl.errors import UserError


def ends_in_one_sentence(
    wrong: Callable[[], object], sentence: str, kind: type[Exception] = UserError
) -> None:
    """Assert that a call raises an error whose one sentence has the expression in it."""
    with pytest.raises(kind, match=sentence) as told:
        wrong()
    text = str(told.value)
    assert text.startswith(("Expected ", "Unknown "))
    assert text.endswith((".", "?"))
    assert "\n" not in text
