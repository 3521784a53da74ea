"""Help texts: complete, grouped, short where they should be, and true to what is parsed."""

import dataclasses
import re
import shlex
import sys

import pytest

from graph_hcl.__main__ import main
from graph_hcl.calling import called
from graph_hcl.cli import config_parser, read_config
from graph_hcl.commands import COMMANDS, load_command, make_parser
from graph_hcl.config import Config
from graph_hcl.errors import UserError
from graph_hcl.help_text import ORDER, help_text
from graph_hcl.options import METRICS, first_sentence, setting_option
from graph_hcl.probes.metrics import METRICS as REAL_METRICS
from graph_hcl.ranges import Range
from graph_hcl.schema import flag, setting_types
from graph_hcl.settings import make_config
from graph_hcl.topics import COMMON, TOPICS, topic_of


def printed(capsys, *argv: str) -> str:
    with pytest.raises(SystemExit) as stop:
        main(argv)
    assert stop.value.code == 0
    return capsys.readouterr().out


def test_every_setting_is_described_in_sentences() -> None:
    for name in setting_types():
        option = setting_option(name)
        assert option.text.endswith("."), name
        assert re.match("[A-Z0-9]", option.text), name
        assert len(option.summary) <= 90, name
        if type(None) in getattr(option.kind, "__args__", ()):
            assert re.search(r"\bnull\b", option.text), f"{name} does not say what null means"
        if option.metavar == "NAME" and not option.names:
            assert "null is" in option.text or "Examples are" in option.text, name


def test_groups_and_common_settings_name_what_there_is() -> None:
    parser = make_parser("train")
    names = {option.name for option in parser.about().options}
    assert names >= set(setting_types())
    assert set(COMMON) <= names
    assert set(ORDER) == set(TOPICS)
    members = {member for topic in TOPICS.values() for member in topic.members}
    prefixes = {member for member in members if member.endswith(".")}
    assert members - prefixes <= names
    assert all(topic_of(name) in TOPICS for name in names)


def test_help_of_train_shows_examples_then_common_settings_then_groups(capsys) -> None:
    text = printed(capsys, "train", "--help")
    heads = ["usage:", "examples:", "common settings", "all settings", "Precedence"]
    places = [text.index(head) for head in heads]
    assert places == sorted(places)
    assert len(text.splitlines()) < 85
    assert max(map(len, text.splitlines())) <= 100
    assert "CONFIG" not in text
    assert "--loss.tau-plus" not in text
    for name in TOPICS:
        assert re.search(rf"--help {name} +{re.escape(TOPICS[name].summary)}", text)


def test_help_all_shows_every_flag_once_with_its_default(capsys) -> None:
    text = printed(capsys, "train", "--help", "all")
    for name in setting_types():
        option = setting_option(name)
        entries = [line for line in text.splitlines() if line == f"  {option.usage}"]
        assert len(entries) == 1, name
        assert option.default
    assert "print_shtab" not in text
    assert "Values: a number in [0, 1) or null." in " ".join(text.split())


def test_all_groups_together_are_all_flags() -> None:
    about = make_parser("train").about()
    shown = [option.name for topic in ORDER for option in about.about_topic(topic)]
    assert sorted(shown) == sorted(option.name for option in about.options)


@pytest.mark.parametrize(
    ("topic", "there", "missing"),
    [
        ("loss", "--loss.tau-plus", "--probe.folds"),
        ("probe", "--probe.folds", "--protocol"),
        ("metric", "--probe.metric", "--probe.folds"),
        ("--beta", "exp(beta * logit)", "--lr"),
        ("batch_size", "--batch-size", "--lr"),
    ],
)
def test_help_about_a_group_a_prefix_or_a_flag(topic, there, missing, capsys) -> None:
    text = printed(capsys, "train", "--help", topic)
    assert there in text
    assert f"  {missing}" not in text
    assert printed(capsys, "train", "--epochs", "3", f"--help={topic}") == text
    assert printed(capsys, "--help", "train", topic) == text


def test_help_about_an_unknown_word_suggests_one(capsys) -> None:
    assert main(["train", "--help", "optimization"]) == 2
    told = capsys.readouterr().err
    assert "Did you mean optimisation or optimizer" in told
    assert "got 'optimization'" in told


def test_help_before_a_whole_command_line_is_the_help(capsys) -> None:
    everything = printed(capsys, "train", "-h")
    assert printed(capsys, "train", "--help", "--epochs", "3") == everything


@pytest.mark.parametrize("command", COMMANDS)
def test_examples_are_understood_by_the_commands_own_parser(command, monkeypatch, tmp_path) -> None:
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs/h-scl.yaml").write_text("objective: h-scl\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    examples = load_command(command).EXAMPLES
    assert examples
    for example in examples:
        words = shlex.split(example.arguments)
        words = words[: words.index(">")] if ">" in words else words
        parser = make_parser(command)
        if command == "train":
            read_config(parser, words)
        else:
            parser.read(words)
        assert re.match("[A-Z].*[.]$", example.does)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_and_version_of_every_command(command, capsys) -> None:
    text = printed(capsys, command, "--help")
    assert text.index("examples:") < text.index("--help")
    assert COMMANDS[command] in text
    assert re.fullmatch(r"graph_hcl [\d.]+\w*\n", printed(capsys, command, "--version"))


@pytest.mark.parametrize(
    ("program", "train", "alone"),
    [
        ("/usr/bin/graph-hcl", "graph-hcl train", "graph-hcl"),
        ("graph-hcl.exe", "graph-hcl train", "graph-hcl"),
        ("/x/graph_hcl/__main__.py", "python -m graph_hcl train", "python -m graph_hcl"),
        ("/x/graph_hcl/train.py", "python -m graph_hcl.train", "python -m graph_hcl"),
        ("/x/pytest/__main__.py", "python -m graph_hcl.train", "python -m graph_hcl"),
        ("", "python -m graph_hcl.train", "python -m graph_hcl"),
    ],
)
def test_a_command_is_named_as_it_was_called(program, train, alone, monkeypatch, capsys) -> None:
    monkeypatch.setattr(sys, "argv", [program])
    assert (called("train"), called()) == (train, alone)
    text = printed(capsys, "train", "--help")
    assert f"usage: {train} [options]" in text
    assert f"      {train} --resume runs" in text
    assert main(["trian"]) == 2
    assert f"Did you mean {train}?" in capsys.readouterr().err
    assert main(["evaluate"]) == 2
    evaluate = train.replace("train", "evaluate")
    assert f"missing: see {evaluate} --help." in capsys.readouterr().err
    assert main(["evaluate", "nowhere"]) == 2
    assert f"the folder that {train} printed." in capsys.readouterr().err


def test_the_overview_has_every_command_with_an_example(capsys) -> None:
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    for command, summary in COMMANDS.items():
        assert summary in text
        assert load_command(command).EXAMPLES[0].line(called(command)) in text
    assert main([]) == 0
    assert capsys.readouterr().out == text


def test_metrics_are_those_that_there_are() -> None:
    assert set(METRICS) == set(REAL_METRICS)


def test_defaults_are_those_of_the_config() -> None:
    parser = config_parser("train")
    for name in ("epochs", "lr", "readout", "encoder.norm", "loss.tau-plus", "probe.folds"):
        option = setting_option(name.replace("-", "_"))
        words = ["--dataset", "MUTAG", f"--{name}", option.default]
        assert read_config(parser, words)[0] == make_config({"dataset": "MUTAG"})


def ranged() -> list[tuple[str, Range]]:
    found = []
    for field in dataclasses.fields(Config):
        members = [("", field)]
        if dataclasses.is_dataclass(field.default_factory):
            members = [(f"{field.name}.", m) for m in dataclasses.fields(field.default_factory)]
        found += [(p + f.name, f.metadata["range"]) for p, f in members if "range" in f.metadata]
    return found


def test_many_settings_have_a_range() -> None:
    assert len(ranged()) >= 25


@pytest.mark.parametrize(("name", "allowed"), ranged())
def test_the_range_in_the_help_is_the_range_that_is_checked(name: str, allowed: Range) -> None:
    assert allowed.symbols in setting_option(name).values
    whole = int in (kind := setting_types()[name], *getattr(kind, "__args__", ()))
    step = 1 if whole else 1e-9
    outside = [allowed.least - step, *([allowed.least] if allowed.above else [])]
    if allowed.most < float("inf"):
        outside += [allowed.most + step, *([allowed.most] if allowed.below else [])]
    for value in outside:
        with pytest.raises(UserError, match=f"Expected {name}|Expected {flag(name)}"):
            make_config({name: value})
    if not allowed.above:
        make_config({name: allowed.least})


def test_first_sentence_keeps_suffixes_of_files() -> None:
    assert first_sentence("A .csv or .npz file. More.") == "A .csv or .npz file."
    assert help_text(make_parser("embed").about(), "out").startswith("  --out FILE\n")
