"""Sets with rare classes from the command line: measured, named once, refused before training."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from graph_hcl.__main__ import main
from graph_hcl.probes import RareClassWarning

SIZES = (12, 9, 2, 1)


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with RARE.zip, rings of four classes, and PAIR.zip with one graph of a class."""
    folder = tmp_path_factory.mktemp("mirror")
    for name, sizes in {"RARE": SIZES, "PAIR": (9, 1)}.items():
        labels = np.random.default_rng(0).permutation(np.repeat(range(len(sizes)), sizes))
        edges, graph, nodes = [], [], []
        for number, label in enumerate(labels):
            first, ring = len(graph) + 1, 3 + int(label)
            for k in range(ring):
                a, b = first + k, first + (k + 1) % ring
                edges += [f"{a}, {b}", f"{b}, {a}"]
            graph += [str(number + 1)] * ring
            nodes += [str(k % 2) for k in range(ring)]
        texts = {
            "A": edges,
            "graph_indicator": graph,
            "graph_labels": map(str, labels),
            "node_labels": nodes,
        }
        with zipfile.ZipFile(folder / f"{name}.zip", "w") as file:
            for part, lines in texts.items():
                file.writestr(f"{name}/{name}_{part}.txt", "\n".join(lines) + "\n")
    return folder


@pytest.fixture
def train(mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    small = {"--epochs": "1", "--hidden": "4", "--layers": "1", "--probe.folds": "4"}
    places = ["--mirror", str(mirror), "--data-dir", str(tmp_path / "data"), "--out", "run"]

    def train(*flags: str) -> int:
        given = small | dict(zip(flags[::2], flags[1::2], strict=True))
        return main(["train", *places, *(word for pair in given.items() for word in pair)])

    return train


@pytest.mark.parametrize("objective", ["ucl", "scl"])
def test_a_set_with_rare_classes_is_trained_and_measured(train, objective: str) -> None:
    flags = ["--probe.inner", "3"] if objective == "ucl" else ["--probe.validation", "0.2"]
    with pytest.warns(RareClassWarning) as caught:
        assert train("--dataset", "RARE", "--objective", objective, *flags) == 0
    told = [str(found.message) for found in caught if found.category is RareClassWarning]
    assert len(told) == 1
    assert "lack a class: 3 (1 graph), 2 (2 graphs)" in told[0]
    records = json.loads(Path("run", "results.json").read_text(encoding="utf-8"))["records"]
    settings = (
        {"folds": 4, "inner": 3, "fraction": 1.0}
        if objective == "ucl"
        else {"folds": 4, "validation": 0.2}
    )
    for encoder in ("trained", "untrained"):
        rows = [record for record in records if record["encoder"] == encoder]
        assert all(row["settings"] == settings for row in rows)
        assert sorted(label for row in rows for label in row["labels"]) == sorted(
            np.repeat(range(4), SIZES)
        )


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--dataset", "PAIR"], "leave out the classes with a single graph"),
        (["--dataset", "RARE", "--probe.folds", "13"], "take 12 folds or fewer"),
        (["--dataset", "RARE", "--probe.inner", "1"], "--probe.inner"),
        (["--dataset", "RARE", "--probe.jobs", "0"], "--probe.jobs"),
    ],
)
def test_mistakes_are_told_before_the_training(
    train, capsys, flags: list[str], sentence: str
) -> None:
    assert train(*flags) == 2
    assert sentence in capsys.readouterr().err
    assert not Path("run").exists()


WORDS = {"acid": 12, "base": 9, "metal": 2, "salt": 1}


@pytest.mark.parametrize(("objective", "missing"), [("ucl", 0), ("ucl", 3), ("scl", 0)])
def test_rare_classes_are_named_by_the_words_of_the_file(
    train, objective: str, missing: int
) -> None:
    labels = [word for word, count in WORDS.items() for _ in range(count)] + [None] * missing
    lines = [json.dumps({"edges": [[0, 1], [1, k % 5]], "y": y}) for k, y in enumerate(labels)]
    Path("words.jsonl").write_text("\n".join(lines), encoding="utf-8")
    flags = ["--probe.inner", "3"] if objective == "ucl" else ["--probe.validation", "0.2"]
    with pytest.warns(RareClassWarning, match=r"a class: salt \(1 graph\), metal \(2 graphs\)"):
        assert train("--dataset", "words.jsonl", "--objective", objective, *flags) == 0


def test_a_class_without_enough_graphs_is_named_by_its_word(train, capsys) -> None:
    for words, sentence in (("b" * 9 + "c", "of class b: leave"), ("bc", "class (b) has 1")):
        lines = [json.dumps({"edges": [[0, 1]], "y": f"{y}"}) for y in words]
        Path("words.jsonl").write_text("\n".join(lines), encoding="utf-8")
        assert train("--dataset", "words.jsonl") == 2
        assert sentence in capsys.readouterr().err
