import importlib.util
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def reference():
    """The slow loops, loaded by path: nothing else imports them."""
    path = Path(__file__).parents[1] / "reference" / "losses.py"
    spec = importlib.util.spec_from_file_location("reference_losses", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
