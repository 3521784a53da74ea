"""Every public name has a docstring that says what it is, what it takes, and shows it at work."""

import importlib
import inspect
import re

import pytest

from tests.docs.public_names import PACKAGES

BEHIND = (
    "graph_hcl.data.convert.from_data",
    "graph_hcl.data.networkx.from_networkx",
    "graph_hcl.data.molecules.from_smiles",
    "graph_hcl.losses.temperature.choose_temperature",
)
"""Functions that public ones refer to for their arguments."""

WITHOUT_EXAMPLE = {
    "graph_hcl.data.official_split": "needs files that no package carries",
    "graph_hcl.losses.Gather": "a protocol: `DistributedGather` shows it",
    "graph_hcl.nn.ContrastiveNetwork": "a protocol: `ContrastiveModel` shows it",
    "graph_hcl.training.Logger": "a protocol: `Tracker` shows it",
    "graph_hcl.training.ProgressBar": "writes to stderr, which doctest does not see",
    "graph_hcl.training.TrainState": "made by `fit` alone: `Snapshot` shows it",
}
"""Public names without an example, and why."""


def public_things():
    """Yield each public function and class once, by its shortest name."""
    seen = set()
    for package in PACKAGES:
        module = importlib.import_module(package)
        for name in module.__all__:
            thing = getattr(module, name)
            if (inspect.isclass(thing) or inspect.isfunction(thing)) and id(thing) not in seen:
                seen.add(id(thing))
                yield pytest.param(thing, id=f"{package}.{name}")


def things_behind():
    for name in BEHIND:
        module, _, last = name.rpartition(".")
        yield pytest.param(getattr(importlib.import_module(module), last), id=name)


THINGS = [*public_things(), *things_behind()]


def public_methods():
    """Yield the methods that a public class defines itself."""
    for param in THINGS:
        (thing,) = param.values
        if inspect.isclass(thing):
            for name, value in vars(thing).items():
                function = (
                    value.__func__ if isinstance(value, classmethod | staticmethod) else value
                )
                if inspect.isfunction(function) and not name.startswith("_"):
                    yield pytest.param(function, id=f"{param.id}.{name}")


METHODS = list(public_methods())


def described(text: str) -> set[str]:
    """Return the names that a section of arguments, attributes or fields describes."""
    sections = re.findall(r"^(?:Args|Attributes):\n((?:(?: .*)?(?:\n|\Z))+)", text, re.M)
    return set(re.findall(r"^    \**(\w+): ", "\n".join(sections), re.M))


def parameters(thing) -> list[str]:
    try:
        signature = inspect.signature(thing)
    except ValueError:
        return []
    return [name for name in signature.parameters if name not in ("self", "cls")]


def undescribed(thing) -> list[str]:
    """Return the parameters without an entry, where there are more than two."""
    names = parameters(thing)
    known = described(inspect.getdoc(thing) or "")
    return [name for name in names if name not in known] if len(names) > 2 else []


def is_sentence(first: str) -> bool:
    """Tell whether a first paragraph is one line that ends in a period."""
    return first.endswith(".") and "\n" not in first


@pytest.mark.parametrize("thing", THINGS + METHODS)
def test_first_line_is_one_sentence(thing) -> None:
    text = thing.__doc__ or ""
    assert is_sentence(inspect.cleandoc(text).split("\n\n")[0])


@pytest.mark.parametrize("thing", THINGS + METHODS)
def test_arguments_are_described(thing) -> None:
    assert undescribed(thing) == []


@pytest.mark.parametrize("thing", THINGS)
def test_an_example_shows_it_at_work(thing, request) -> None:
    name = request.node.callspec.id
    assert (">>>" in (thing.__doc__ or "")) != (name in WITHOUT_EXAMPLE)


def test_the_checks_can_fail() -> None:
    def good(x, y, z=0):
        """Return it.

        Args:
            x: one.
            y: another,
                z: not an entry.
            z: the last.

        Words: after a section.
        """

    def bad(x, y, z=0):
        """Return it

        Args:
            x: one.
            y, z: two at once.
        """

    assert undescribed(good) == []
    assert undescribed(bad) == ["y", "z"]
    assert not is_sentence("Return it")
    assert not is_sentence("Return it,\nnow.")
