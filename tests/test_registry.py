"""Registries: tables of import paths that nothing follows before it is needed."""

import subprocess
import sys

import pytest

from graph_hcl import registries
from graph_hcl.errors import UserError
from graph_hcl.registry import Registry

ALL = {name: value for name, value in vars(registries).items() if isinstance(value, Registry)}


@pytest.mark.parametrize("name", ALL)
def test_every_name_leads_to_a_part_of_its_own(name: str) -> None:
    parts = ALL[name].parts()
    assert len(parts) == len(set(map(id, parts))) > 1
    assert all(map(callable, parts))
    assert [ALL[name].name_of(part) for part in parts] == ALL[name].names()


def test_tables_and_settings_that_name_their_parts_agree() -> None:
    from graph_hcl.schema import setting_types

    assert set(registries.NAMED_BY) <= set(setting_types())


def test_names_need_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from graph_hcl.registries import NAMED_BY\n"
        "assert all(registry.names() for registry in NAMED_BY.values())\n"
        "assert not {'torch', 'numpy', 'sklearn'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_part_is_imported_when_it_is_asked_for_and_once() -> None:
    shapes: Registry[type] = Registry("shape", {"pair": "builtins:tuple", "gone": "nowhere:Gone"})
    assert shapes.names() == ["pair", "gone"]
    assert shapes.get("PAIR") is shapes.get("pair") is tuple
    for wrong, sentence in (
        ("gone", "Cannot import the shape 'nowhere:Gone'"),
        ("pear", "Unknown shape 'pear'.*Did you mean pair"),
        ("numpy:pi", "to be a class or a function, but got float"),
        ("numpy:nothing", "Cannot import the shape 'numpy:nothing'"),
        (":", "Cannot import the shape ':'"),
    ):
        with pytest.raises(UserError, match=sentence) as caught:
            shapes.get(wrong)
        assert "\n" not in str(caught.value)


def test_a_temporary_part_goes_also_after_an_error() -> None:
    shapes: Registry[type] = Registry("shape", {"pair": "builtins:tuple"})

    def fail() -> None:
        with shapes.temporarily("pair", list), shapes.temporarily("new", set):
            assert (shapes.get("pair"), shapes.get("new")) == (list, set)
            assert shapes.names() == ["pair", "new"]
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert shapes.get("pair") is tuple
    assert shapes.names() == ["pair"]
