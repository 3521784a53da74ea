"""The reference holds every public name, and its extensions read docstrings as they are meant."""

import doctest
import importlib
import sys
from pathlib import Path

import pytest

from tests.docs.public_names import PACKAGES

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs" / "reference").glob("*.md"))

pytest.importorskip("sphinx", reason="the documentation is built with the extra docs")
sys.path.append(str(ROOT / "docs" / "_ext"))
docstrings, reference = (importlib.import_module(name) for name in ("docstrings", "reference"))


def find(name: str) -> object:
    module, _, last = name.rpartition(".")
    return getattr(importlib.import_module(module), last)


ENTRIES = [
    name
    for page in PAGES
    for names in reference.groups(page.read_text(encoding="utf-8")).values()
    for name in names
]


def missing(package: str, names: list[str], entries: list[str]) -> list[str]:
    """Return the names of a package whose object has no entry under any of its names."""
    known = [find(entry) for entry in entries]
    module = importlib.import_module(package)
    return [name for name in names if all(getattr(module, name) is not thing for thing in known)]


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_has_an_entry(package) -> None:
    assert missing(package, importlib.import_module(package).__all__, ENTRIES) == []


def test_a_name_without_an_entry_is_told() -> None:
    entries = [entry for entry in ENTRIES if not entry.endswith(".HUCL")]
    assert missing("graph_hcl.losses", ["HUCL", "UCL"], entries) == ["HUCL"]
    assert missing("graph_hcl", ["HUCL"], entries) == ["HUCL"]


def test_no_name_has_two_entries() -> None:
    assert len(set(ENTRIES)) == len(ENTRIES)


def test_names_of_public_packages_are_those_that_they_list() -> None:
    for entry in ENTRIES:
        package, _, name = entry.rpartition(".")
        if package in PACKAGES:
            assert name in importlib.import_module(package).__all__, entry


def test_every_page_is_in_the_table_of_the_index() -> None:
    index = (ROOT / "docs" / "reference" / "index.md").read_text(encoding="utf-8")
    for page in PAGES:
        if page.stem not in ("index", "commands"):
            assert f"({page.name})" in index
            assert f"\n{page.stem}\n" in index


@pytest.mark.parametrize("module", [docstrings, reference], ids=lambda module: module.__name__)
def test_examples_of_the_extensions(module) -> None:
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


def test_values_say_what_they_are() -> None:
    lines = reference.entry("graph_hcl.losses.LogEta")
    assert lines[:2] == [
        ".. py:data:: graph_hcl.losses.LogEta",
        "   :value: Callable[[Tensor], Tensor]",
    ]
    assert "   log η of logits, elementwise and of their shape." in lines
    assert any("``h-ucl``" in line for line in reference.entry("graph_hcl.losses.OBJECTIVES"))


def test_a_value_without_a_docstring_is_an_error() -> None:
    with pytest.raises(ValueError, match="under the assignment of SURELY_NOT"):
        reference.about("SURELY_NOT", object())


def test_indented_paragraphs_are_formulas_and_items_are_not() -> None:
    text = ["Return x.", "", "    x_i = a * b_", "", "Args:", "    x: the *rows*.", "", "    - no"]
    assert list(docstrings.formulas(text)) == [
        "Return x.",
        "",
        "::",
        "",
        "    x_i = a * b_",
        "",
        "Args:",
        "    x: the \\*rows\\*.",
        "",
        "    - no",
    ]


def test_code_is_not_escaped() -> None:
    assert docstrings.escape("`a_ * b` and |c| d_") == "`a_ * b` and \\|c\\| d\\_"


def test_examples_are_not_escaped() -> None:
    assert list(docstrings.formulas([">>> x * y_", "... | z"])) == [">>> x * y_", "... | z"]


def test_the_colon_of_a_field_is_no_type() -> None:
    lines = ["Whether y holds classes: positions, or numbers.", "", "More: of it."]
    docstrings.process(None, "property", "a.b", None, None, lines)
    assert ":" not in lines[0]
    docstrings.restore(None, "property", "a.b", None, None, lines)
    assert lines == ["Whether y holds classes: positions, or numbers.", "", "More: of it."]


def test_a_name_links_to_the_nearest_home() -> None:
    known = ["graph_hcl.plot.compare", "graph_hcl.probes.compare", "graph_hcl.losses.HUCL"]
    assert docstrings.homes("HUCL", known) == ["graph_hcl.losses.HUCL"]
    assert docstrings.homes("UCL", known) == []
    assert docstrings.homes("compare", known) == known[:2]


def test_signatures_are_those_of_the_code() -> None:
    long = f"(x: {docstrings.ARRAY_LIKE}, y: int)"
    assert docstrings.shorten(None, "", "", len, None, long, "int") == (
        "(x: ArrayLike, y: int)",
        "int",
    )
    assert (
        docstrings.shorten(None, "", "", find("graph_hcl.losses.Gather"), None, "(*a)", None)[0]
        == ""
    )
    assert docstrings.shorten(None, "", "", len, None, None, None) == (None, None)
