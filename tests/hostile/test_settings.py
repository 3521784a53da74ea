"""Damaged settings, from files, flags and views, end in a config or in one sentence."""

from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graph_hcl.__main__ import main
from graph_hcl.augment import parse
from graph_hcl.yaml_text import parse_yaml
from tests.hostile.readers.settings import READERS

FEW, MANY = 120, 50_000
"""Inputs per reader, in every run of the tests and in the long campaign."""


@pytest.mark.parametrize("name", READERS)
def test_damaged_settings_end_in_a_value_or_a_sentence(survey, tmp_path: Path, name: str) -> None:
    survey(tmp_path / "files", READERS[name](tmp_path), FEW)


@pytest.mark.campaign
@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
def test_no_damaged_settings_are_a_traceback(survey, tmp_path: Path, name: str) -> None:
    survey(tmp_path / "files", READERS[name](tmp_path), MANY, seed=1)


@settings(max_examples=FEW, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.one_of(
        st.text(max_size=60),
        st.text(alphabet="(|)+ ,.0123456789e:_abdegiopr", max_size=60),
        st.builds(
            "".join,
            st.lists(
                st.sampled_from(
                    ["edge_drop", "identity", "subgraph", "(", ")", " + ", " | ", "(0.2)", "1e999",
                     "()", ",", "graph_hcl.augment:", "builtins:", "exit", "os:abort", "(" * 2000,
                     ")" * 2000, " + identity" * 2000, " | edge_drop" * 2000, "9" * 5000, "nan"]
                ),
                max_size=12,
            ),
        ),
    )
)  # fmt: skip
def test_any_view_ends_in_an_augmentation_or_a_sentence(attempt, text: str) -> None:
    outcome, said = attempt(lambda: parse(text))
    assert outcome in ("value", "refused"), (outcome, said)


@pytest.mark.parametrize("text", ["[" * 3000, "{" * 3000, "- " * 3000, "? " * 3000])
def test_reading_stops_where_it_nests_too_deeply(text: str, monkeypatch) -> None:
    composed = []
    compose = yaml.SafeLoader.compose_node
    monkeypatch.setattr(
        yaml.SafeLoader, "compose_node", lambda *given: composed.append(1) or compose(*given)
    )
    with pytest.raises(ValueError, match="nests more than 50 levels"):
        parse_yaml(text)
    assert len(composed) <= 51


NAMED = {
    "time that is none": ["--epochs", "!!timestamp 9"],
    "number too large": ["--beta", "9" * 400],
    "digits without end": ["--epochs", "9" * 5000],
    "path too long": ["--dataset", "x" * 5000],
    "mirror too long": ["--mirror", "x" * 5000],
    "option of no objective": ["--loss.options", "{<!DOCTYPE a>}"],
    "aliases without end": ["--loss.options", "&a {b: *a}"],
    "laughs": ["--loss.options", "{a: &a [1,1,1,1,1,1,1,1,1,1], "
               "b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a], "
               "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b], d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c],"
               " e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d], f: [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]}"],
    "half a character": ["--loss.options", '{a: "\\ud800"}'],
    "nesting": ["--loss.options", "[" * 10_000],
    "objects": ["--loss.options", "!!python/object/apply:os.abort []"],
    "parentheses": ["--views", "(" * 5000 + "identity" + ")" * 5000],
    "letters that turn": ["--backbone", "\u202egin"],
    "escapes": ["--backbone", "\x1b[2Jgin\n\r"],
}  # fmt: skip


@pytest.mark.parametrize("name", NAMED)
def test_a_hostile_flag_is_refused_in_one_printable_line(
    name: str, monkeypatch, tmp_path, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    dataset = [] if "--dataset" in NAMED[name] else ["--dataset", "MUTAG"]
    assert main(["train", *dataset, *NAMED[name]]) == 2
    said = capsys.readouterr().err.removesuffix("\n")
    assert said.isprintable()
    assert said.startswith("error: ")
    assert not list(tmp_path.iterdir())
