"""`graph_hcl.benchmark` on files of the user's own: a table, lines, a folder of graphs."""

import json
from pathlib import Path

import networkx as nx
import pytest
import yaml

from graph_hcl.__main__ import main
from graph_hcl.benchmarking import running
from graph_hcl.benchmarking.running import run_trial
from graph_hcl.benchmarking.spec import read_benchmark
from graph_hcl.benchmarking.trials import expand
from graph_hcl.data import load
from graph_hcl.data.fetch import content_sha256
from graph_hcl.errors import UserError

SMALL = {"hidden": 4, "layers": 1, "probe": {"folds": 3, "name": "logistic"}}
METHODS = {"untrained": {"epochs": [0]}, "bag": {"baseline": "bag"}}
PLACES = ["mine.csv", "mine.jsonl", "./mine"]


def graph(number: int) -> nx.Graph:
    size = 3 + number // 2
    return nx.cycle_graph(size) if number % 2 else nx.path_graph(size)


def write_table(count: int = 12) -> None:
    rows = [f"C{'C' * (k // 2)}{'O' if k % 2 else 'N'},{k % 2}" for k in range(count)]
    Path("mine.csv").write_text("\n".join(["smiles,y", *rows, ""]), encoding="utf-8")


def write_lines(count: int = 12) -> None:
    entries = [{"edges": list(graph(k).edges), "y": k % 2} for k in range(count)]
    Path("mine.jsonl").write_text("".join(f"{json.dumps(e)}\n" for e in entries), encoding="utf-8")


def write_folder(count: int = 12) -> None:
    Path("mine").mkdir(exist_ok=True)
    names = [f"g{k:02}.graphml" for k in range(count)]
    for k, name in enumerate(names):
        nx.write_graphml(graph(k), f"mine/{name}")
    rows = [f"{name},{k % 2}" for k, name in enumerate(names)]
    Path("mine/labels.csv").write_text("\n".join(["file,label", *rows, ""]), encoding="utf-8")


WRITERS = dict(zip(PLACES, (write_table, write_lines, write_folder), strict=True))


@pytest.fixture(autouse=True)
def somewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRAPH_HCL_DATA", "cache")
    monkeypatch.delenv("GRAPH_HCL_SPLITS", raising=False)
    for write in WRITERS.values():
        write()


def write_spec(place: str, **fields) -> str:
    data = {"targets": "y"} if place == "mine.csv" else {"undirected": True}
    spec = {"datasets": [place], "methods": METHODS, "common": SMALL | {"data": data}} | fields
    Path("tiny.yaml").write_text(yaml.safe_dump(spec), encoding="utf-8")
    return "tiny.yaml"


def trials() -> dict[str, dict]:
    found = Path("runs/tiny/trials").glob("*.json")
    return {file.name: json.loads(file.read_text(encoding="utf-8")) for file in found}


@pytest.mark.parametrize("place", PLACES)
def test_files_of_the_users_own_are_measured(place: str, capsys) -> None:
    file = write_spec(place)
    assert main(["benchmark", file]) == 0
    assert "2 of 2 trials are finished" in capsys.readouterr().out
    before = trials()
    assert main(["benchmark", file]) == 0
    assert trials() == before  # nothing has changed, so nothing is run again
    assert {one["dataset"] for one in before.values()} == {place}
    assert {one["key"]["data_sha256"] for one in before.values()} == {content_sha256(place)}
    targets = "y" if place == "mine.csv" else None
    store = load(place, targets=targets, undirected=targets is None)
    assert {one["data_sha256"] for one in before.values()} == {store.sha256}


@pytest.mark.parametrize("place", PLACES)
def test_their_content_counts(place: str, capsys) -> None:
    file = write_spec(place)
    assert main(["benchmark", file]) == 0
    WRITERS[place](count=14)
    assert main(["benchmark", file]) == 0
    assert len(trials()) == 4


@pytest.mark.parametrize("place", PLACES)
def test_files_that_change_while_they_are_read_are_told(place: str, monkeypatch) -> None:
    make = running.make_experiment

    def make_after_a_change(config):
        WRITERS[place](count=14)
        return make(config)

    trial, *_ = expand(read_benchmark(write_spec(place)))
    monkeypatch.setattr(running, "make_experiment", make_after_a_change)
    with pytest.raises(UserError, match=r"the files of .*mine.* to stay as they are"):
        run_trial(trial)


def test_files_that_changed_since_the_trial_was_named_are_told() -> None:
    trial, *_ = expand(read_benchmark(write_spec("mine.jsonl")))
    assert trial.name
    write_lines(count=14)
    with pytest.raises(UserError, match=r"the files of mine\.jsonl to stay as they are"):
        run_trial(trial)


def test_what_is_not_read_in_a_folder_does_not_count() -> None:
    before = content_sha256("./mine")
    Path("mine/README.md").write_text("How they were made.", encoding="utf-8")
    assert content_sha256("./mine") == before
    Path("mine/labels.csv").write_text("file,label\n", encoding="utf-8")
    assert content_sha256("./mine") != before


def test_several_of_them_in_two_processes(capsys) -> None:
    file = write_spec("mine.jsonl", datasets=["mine.jsonl", "./mine"])
    assert main(["benchmark", file, "--jobs", "2"]) == 0
    assert "4 of 4 trials are finished" in capsys.readouterr().out
    assert {one["dataset"] for one in trials().values()} == {"mine.jsonl", "./mine"}
