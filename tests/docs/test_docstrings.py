"""Every public name has a docstring that says what it is, what it takes, and shows it at work."""

import importlib
import inspect
import re

import pytest

PACKAGES = (
    "graph_hcl",
    "graph_hcl.losses",
    "graph_hcl.losses.functional",
    "graph_hcl.geometry",
    "graph_hcl.augment",
    "graph_hcl.data",
    "graph_hcl.nn",
    "graph_hcl.training",
    "graph_hcl.probes",
    "graph_hcl.baselines",
    "graph_hcl.plot",
    "graph_hcl.errors",
)
WITHOUT_EXAMPLE: dict[str, str] = {}


def public_things():
    """Yield each public function and class once, by its shortest name."""
    seen = set()
    for package in PACKAGES:
        module = importlib.import_module(package)
        for name in getattr(module, "__all__", []):
            thing = getattr(module, name)
            if (inspect.isclass(thing) or inspect.isfunction(thing)) and id(thing) not in seen:
                seen.add(id(thing))
                yield pytest.param(thing, id=f"{package}.{name}")


THINGS = list(public_things())


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
    sections = re.findall(r"^(?:Args|Attributes):\n((?:(?: .*)?\n?)+)", text, re.M)
    entries = [
        match[1]
        for section in sections
        for match in re.finditer(r"^    ([\w*, ]+): ", section, re.M)
    ]
    return {name.strip(" *") for entry in entries for name in entry.split(",")}


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


@pytest.mark.parametrize("thing", THINGS + METHODS)
def test_first_line_is_one_sentence(thing) -> None:
    text = thing.__doc__ or ""
    first = inspect.cleandoc(text).split("\n\n")[0]
    assert first.endswith(".")
    assert "\n" not in first


@pytest.mark.parametrize("thing", THINGS + METHODS)
def test_arguments_are_described(thing) -> None:
    assert undescribed(thing) == []


@pytest.mark.parametrize("thing", THINGS)
def test_an_example_shows_it_at_work(thing, request) -> None:
    name = request.node.callspec.id
    assert (">>>" in (thing.__doc__ or "")) != (name in WITHOUT_EXAMPLE)
