"""Damaged settings, from files, flags and views, end in a config or in one sentence."""

import random
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graph_hcl.__main__ import main
from graph_hcl.augment import parse
from graph_hcl.cli import config_parser, read_config
from graph_hcl.config import Config
from graph_hcl.factory import make_objective, make_sampler
from graph_hcl.schema import flag, setting_types
from graph_hcl.settings import make_config
from graph_hcl.yaml_text import parse_yaml

FEW, MANY = 120, 50_000
"""Inputs per reader, in every run of the tests and in the long campaign."""

VIEWS = (
    b"edge_drop(0.2) + feature_mask(0.1) | subgraph(0.8)",
    b"(node_drop(0.2) | edge_drop(0.1)) + identity | column_mask(0.3) + edge_add(0.2)",
    b"graph_hcl.augment:Identity | graph_hcl.augment:EdgeDrop(0.5) + edge_mask",
)


def views(survey, damages, tmp_path: Path, count: int, seed: int = 0) -> None:
    def read(folder: Path) -> None:
        parse((folder / "view").read_bytes().decode("utf-8", "replace"))

    survey(tmp_path / "files", [{"view": view} for view in VIEWS], read, count, seed=seed)


def test_a_damaged_view_ends_in_an_augmentation_or_a_sentence(survey, damages, tmp_path) -> None:
    views(survey, damages, tmp_path, FEW)


@pytest.mark.campaign
@pytest.mark.slow
def test_no_damaged_view_is_a_traceback(survey, damages, tmp_path) -> None:
    views(survey, damages, tmp_path, MANY, seed=1)


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


def config_files() -> list[dict[str, bytes]]:
    whole = yaml.safe_dump(make_config({"dataset": "MUTAG"}).to_dict(), sort_keys=False)
    some = "dataset: MUTAG\nobjective: h-scl\nloss: {hardening: threshold}\nencoder.norm: null\n"
    return [{"c.yaml": whole.encode()}, {"c.yaml": some.encode()}]


def used(config: Config) -> None:
    """Use a config as a training does before it has graphs."""
    make_sampler(make_objective(config)[1])


def configs(survey, damages, tmp_path: Path, count: int, seed: int = 0) -> None:
    def read(folder: Path) -> None:
        used(make_config(folder / "c.yaml"))

    survey(tmp_path / "files", config_files(), read, count, {"yaml": damages["yaml"]}, seed)


def test_a_damaged_config_ends_in_settings_or_a_sentence(survey, damages, tmp_path) -> None:
    configs(survey, damages, tmp_path, FEW)


@pytest.mark.campaign
@pytest.mark.slow
def test_no_damaged_config_is_a_traceback(survey, damages, tmp_path) -> None:
    configs(survey, damages, tmp_path, MANY, seed=1)


def flags(survey, damages, tmp_path: Path, count: int, seed: int = 0) -> None:
    parser = config_parser("train")
    names = [flag(name) for name in setting_types() if name not in ("data_dir", "mirror")]
    default = make_config({"dataset": "MUTAG"})
    words = [
        "--dataset",
        "MUTAG",
        "--epochs",
        "3",
        "--views",
        "identity",
        "edge_drop(0.1)",
        "--beta",
    ]
    words += ["0.5", "--loss.options", "{}", "--encoder.norm", "null", "--probe", "knn"]

    def read(folder: Path) -> None:
        text = (folder / "flags").read_bytes().decode("utf-8", "replace")
        rng = random.Random(text)
        typed = text.split("\n")
        if rng.random() < 0.5:
            typed[rng.randrange(len(typed))] = rng.choice(names)
        typed = [word for word in typed if not word.startswith(("--help", "-h", "--version"))]
        used(read_config(parser, typed)[0])

    assert default
    survey(tmp_path / "files", [{"flags": "\n".join(words).encode()}], read, count, seed=seed)


def test_damaged_flags_end_in_settings_or_a_sentence(survey, damages, tmp_path) -> None:
    flags(survey, damages, tmp_path, FEW)


@pytest.mark.campaign
@pytest.mark.slow
def test_no_damaged_flags_are_a_traceback(survey, damages, tmp_path) -> None:
    flags(survey, damages, tmp_path, MANY, seed=1)


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
