import dataclasses
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from graph_hcl import benchmark
from graph_hcl.__main__ import main
from graph_hcl.cli import config_parser, read_config
from graph_hcl.commands import COMMANDS
from graph_hcl.config import Config
from graph_hcl.data import cards
from graph_hcl.errors import UserError
from graph_hcl.settings import make_config
from graph_hcl.yaml_text import parse_yaml, write_yaml

CONFIGS = Path(__file__).parents[2] / "configs"
PRESETS = sorted((CONFIGS / "reproduce").glob("*.yaml"))


def read(*argv: str) -> Config:
    return read_config(config_parser("train"), argv)[0]


def test_defaults_are_the_schema() -> None:
    assert read("--dataset", "MUTAG") == Config(dataset="MUTAG")
    assert read().dataset == Config().dataset == "digits"


def test_short_and_dotted_flags_with_dashes_or_underscores() -> None:
    config = read("--batch-size", "64", "--data.node-attributes=true", "--loss.tau_plus", "0.1")
    assert (config.batch_size, config.data.node_attributes) == (64, True)
    assert config.loss.tau_plus == 0.1


@pytest.mark.parametrize("text", ["254", "254.0", "2.54e2", "'254'"])
def test_the_weight_of_negatives_is_a_word_or_a_number(text: str, tmp_path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text(f"loss:\n  negative_reduction: {text}\n", encoding="utf-8")
    config = make_config(file)
    assert config.loss.negative_reduction == 254.0
    assert read("--loss.negative-reduction", text.strip("'")) == config
    file.write_text(yaml.safe_dump(config.to_dict()), encoding="utf-8")
    assert make_config(file) == config
    assert read("--loss.negative-reduction", "Mean").loss.negative_reduction == "mean"
    assert read("--loss.negative-reduction", "null").loss.negative_reduction is None


@pytest.mark.parametrize(
    ("text", "number"), [("010", 10), ("-010", -10), ("0x10", 16), ("1_000", 1000), ("0", 0)]
)
def test_numbers_are_decimal(text: str, number: int, tmp_path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text(f"encoder.options: {{given: {text}}}\n", encoding="utf-8")
    assert make_config(file).encoder.options == {"given": number}
    if number > 0:
        assert read("--seed", text).seed == number
        assert read("--temperature", text).temperature == number
        assert benchmark.make_parser().read(["a.yaml", "--jobs", text]).jobs == number


def test_zeros_before_a_number_mean_nothing(tmp_path) -> None:
    assert (read("--seed", "008").seed, read("--temperature", "08").temperature) == (8, 8.0)
    file = tmp_path / "c.yaml"
    file.write_text("{seed: 008, max_nodes: 09, temperature: 08, out: 008}", encoding="utf-8")
    found = make_config(file)
    assert (found.seed, found.max_nodes, found.temperature, found.out) == (8, 9, 8.0, "008")


def test_exponents_need_no_point(tmp_path) -> None:
    file = tmp_path / "c.yaml"
    text = "{lr: 1e-3, encoder.options: {eps: 1E3, part: 08, name: '1e-3', in: {list: [-2e+1]}}}"
    file.write_text(text, encoding="utf-8")
    found = make_config(file)
    options = {"eps": 1000.0, "part": "08", "name": "1e-3", "in": {"list": [-20.0]}}
    assert (found.lr, found.encoder.options) == (1e-3, options)
    file.write_text(write_yaml(found.to_dict()), encoding="utf-8")
    assert make_config(file) == found
    assert read("--encoder.options.eps", "-2E+1").encoder.options == {"eps": -20.0}
    file.write_text("epochs: 1e3", encoding="utf-8")
    with pytest.raises(UserError, match=r"epochs .* to be an integer, but got 1000.0"):
        make_config(file)


@pytest.mark.parametrize("text", ["1:30", "0b11"])
def test_numbers_of_other_bases_are_none(text: str, tmp_path) -> None:
    with pytest.raises(UserError, match=f"--seed to be an integer, but got '{text}'"):
        read("--seed", text)
    with pytest.raises(UserError, match=f"--jobs to be an integer, but got '{text}'"):
        benchmark.make_parser().read(["a.yaml", "--jobs", text])
    file = tmp_path / "c.yaml"
    file.write_text(f"epochs: {text}\n", encoding="utf-8")
    with pytest.raises(UserError, match=f"to be an integer, but got '{text}'"):
        make_config(file)


def test_text_that_looks_like_a_number_is_read_as_it_was_written() -> None:
    words = ["010", "08", "1:30", "0b1", "1e5", "0o7", "1_0", "0_8", "0x1"]
    assert parse_yaml(write_yaml(words)) == words


def test_dashes_inside_values_stay() -> None:
    assert read("--dataset", "IMDB-BINARY", "--out=my-run").out == "my-run"


def test_precedence_preset_then_config_then_flags(tmp_path) -> None:
    preset = {"epochs": 5, "hidden": 5, "readout": "mean", "layers": 5}
    card = dataclasses.asdict(cards.get_card("MUTAG")) | {"preset": preset}
    (tmp_path / "MUTAG.yaml").write_text(yaml.safe_dump(card), encoding="utf-8")
    file = tmp_path / "c.yaml"
    file.write_text("hidden: 6\nlayers: 6\n", encoding="utf-8")
    with cards.using(tmp_path):
        words = ("--dataset", "MUTAG", "--layers", "7")
        config = read(*words, "--config", str(file))
        assert config == read("--config", str(file), *words)
    assert (config.epochs, config.hidden, config.layers) == (5, 6, 7)
    assert config.readout == "mean"


def test_a_written_config_reads_back_the_same(tmp_path) -> None:
    config = read("--beta", "0.5", "--views", '["edge_drop(0.3)|identity"]', "--dataset", "NCI1")
    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump(config.to_dict()), encoding="utf-8")
    assert make_config(file) == config


@pytest.mark.parametrize("file", sorted(CONFIGS.glob("*.yaml")), ids=lambda file: file.stem)
def test_shipped_configs_are_whole(file: Path) -> None:
    assert file.stem.startswith(make_config(file).objective)


@pytest.mark.parametrize("file", PRESETS, ids=lambda file: file.stem)
def test_presets_can_be_run(file: Path) -> None:
    from graph_hcl.experiment import make_experiment

    read_back = make_config(file)
    experiment = make_experiment(read_back)
    assert experiment.config.protocol == read_back.protocol
    told = yaml.safe_load(file.read_text(encoding="utf-8"))
    for name in ("views", "backbone", "layers", "hidden", "epochs", "batch_size", "lr"):
        assert name in told, f"{file.stem} leaves {name} to a default that may change"


def test_presets_of_graphcl_differ_in_the_loss_alone() -> None:
    whole = [
        make_config(CONFIGS / f"reproduce/graphcl{end}.yaml") for end in ("", "-hcl", "-debiased")
    ]
    for other in whole[1:]:
        loss = {name: getattr(whole[0], name) for name in ("objective", "beta", "loss")}
        assert other != whole[0]
        assert dataclasses.replace(other, **loss) == whole[0]


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["--beta", "-1"], "Expected --beta to be 0 or more, but got -1"),
        (["--batch-size", "1"], "Expected --batch-size to be 2 or more"),
        (["--lr", "0"], "Expected --lr to be above 0, but got 0.0"),
        (["--weight-decay=-1"], "Expected --weight-decay to be 0 or more, but got -1.0"),
        (["--layers", "1" + "0" * 20], "Expected --layers to be 1000 or less"),
        (["--hidden", "0"], "Expected --hidden to be 1 or more"),
        (["--hidden", "1" + "0" * 20], "Expected --hidden to be 1000000 or less"),
        (["--batch-size", "1" + "0" * 20], "Expected --batch-size to be 1000000000 or less"),
        (["--seed", "1" + "0" * 20], "Expected --seed to be"),
        (["--projection.dim", "1" + "0" * 20], "Expected --projection.dim to be"),
        (["--loss.num-negatives", "0"], "Expected --loss.num-negatives to be 1 or more"),
        (["--loss.memory-size=-1"], "Expected --loss.memory-size to be 0 or more"),
        (["--loss.negative-reduction=-1"], "to be sum, mean or a number above 0, but got -1.0"),
        (["--loss.negative-reduction", "avg"], "to be sum, mean, a number or null, but got 'avg'"),
        (["--loss.negative-reduction", "inf"], "to be sum, mean, a finite number or null, but got"),
        (["--loss.negative-reduction", "true"], "to be sum, mean, a number or null, but got 'tru"),
        (["--loss.contrast", "views"], "to be all, across-views, first-view, last-view or null"),
        (["--loss.denominator", "all"], "to be positive-and-negatives, negatives or null, but"),
        (["--loss.include-self", "maybe"], "to be true, false or null, but got 'maybe'"),
        (["--loss.hardening-options.share", "1"], "no effect"),
        (["--loss.psi-options.alpha", "1"], "no effect"),
        (["--probe.jobs", "0"], "Expected --probe.jobs to be 1 or more"),
        (["--temperature", "0"], "Expected --temperature to be above 0"),
        (["--encoder.dropout", "1"], "Expected --encoder.dropout"),
        (["--epochs", "many"], "Expected --epochs to be an integer, but got 'many'"),
        (["--bacth-size", "3"], "Unknown flag --bacth-size. Did you mean --batch-size"),
        (["--epoch", "3"], "Unknown flag --epoch. Did you mean --epochs"),
        (["--protocol", "magic"], "Expected --protocol to be auto, transductive or inductive, but"),
        (["--config", "no/such.yaml"], "no/such.yaml"),
    ],
)
def test_mistakes_in_one_sentence(argv: list[str], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence) as caught:
        read(*argv)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("batchsize: 3\n", "batchsize"),
        ("loss:\n  hardness: 3\n", "hardness"),
        ("epochs: [1\n", "."),
        ("epochs: !!python/object/apply:os.system ['touch hacked']\n", "."),
    ],
)
def test_mistakes_in_yaml_in_one_sentence(text: str, sentence: str, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("c.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=sentence) as caught:
        read("--config", "c.yaml")
    assert "\n" not in str(caught.value)
    assert not Path("hacked").exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_examples_and_does_not_import_torch(command: str) -> None:
    code = (
        "import sys, runpy; sys.argv = ['x', '--help']\n"
        "try:\n"
        f"    runpy.run_module('graph_hcl.{command}', run_name='__main__')\n"
        "except SystemExit as stop:\n"
        "    assert stop.code == 0, stop.code\n"
        "heavy = {'torch', 'sklearn', 'torch_geometric', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    assert f"python -m graph_hcl.{command}" in done.stdout.split("examples:")[1]
    assert not re.search(r"--[\w.-]*_", done.stdout)


@pytest.mark.parametrize(
    "words",
    [
        ["--views", "identity", "edge_drop(0.1)"],
        ["--views", '["identity", "edge_drop(0.1)"]'],
        ["--views", "[identity, edge_drop(0.1)]"],
    ],
)
def test_a_list_is_several_words_or_text_in_brackets(words, capsys) -> None:
    with pytest.raises(SystemExit):
        main(["train", "--dataset", "MUTAG", *words, "--print-config", "--epochs", "3"])
    settings = yaml.safe_load(capsys.readouterr().out)
    assert (settings["views"], settings["epochs"]) == (["identity", "edge_drop(0.1)"], 3)


@pytest.mark.parametrize("words", [["--views", "identity"], ["--views=identity"]])
def test_a_list_of_one_word(words, capsys) -> None:
    with pytest.raises(SystemExit):
        main(["train", "--dataset", "MUTAG", *words, "--print-config"])
    assert yaml.safe_load(capsys.readouterr().out)["views"] == ["identity"]
