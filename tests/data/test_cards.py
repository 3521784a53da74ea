"""Cards: complete, true of the data, and cheap to read."""

import dataclasses
import json
import re
import subprocess
import sys

import pytest
import yaml

from graph_hcl.data import find_card, get_card, list_datasets, load
from graph_hcl.data.cards import using
from graph_hcl.errors import UserError

TU = [
    *("COIL-DEL", "COLLAB", "DD", "ENZYMES", "IMDB-BINARY", "IMDB-MULTI", "Letter-high"),
    *("MSRC_21", "MUTAG", "NCI1", "PROTEINS", "PTC_MR", "REDDIT-BINARY", "REDDIT-MULTI-5K"),
]


def test_all_are_there() -> None:
    assert set(TU) <= set(list_datasets())


@pytest.mark.parametrize("name", list_datasets())
def test_complete(name) -> None:
    found = get_card(name)
    assert found.name == name
    assert found.source.startswith("https://")
    assert found.citation
    assert found.sha256 or name.startswith("ogbg-")
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in found.sha256.values())
    assert (found.degree_cap > 0) == (found.features == "degree-one-hot")
    for figure in found.published:
        assert set(figure) == {"method", "accuracy", "std", "std_over", "protocol"}
        assert 0 < figure["accuracy"] < 100
        assert figure["std_over"] in ((None,) if figure["std"] is None else ("seeds", "folds"))
    named = [(figure["method"], figure["protocol"]) for figure in found.published]
    assert len(set(named)) == len(named)


def test_figures_that_saw_the_test_folds_say_so() -> None:
    leaky = {"InfoGraph", "MVGRL", "JOAOv2", "GraphMAE", "GIN-0, supervised"}
    honest = {"GraphCL", "SimGRACE", "AD-GCL", "GIN, supervised", "structure-agnostic"}
    seen = set()
    for name in list_datasets():
        for figure in get_card(name).published:
            if figure["method"] in leaky | honest:
                seen.add(figure["method"])
                assert ("leaky" in figure["protocol"]) == (figure["method"] in leaky)
    assert seen == leaky | honest


@pytest.mark.parametrize("name", ["MUTAG", "PTC_MR", "ENZYMES", "IMDB-BINARY", "Letter-high"])
def test_true_of_the_data(name, tmp_path, mirror) -> None:
    found = get_card(name)
    store = load(name, data_dir=str(tmp_path), mirror=mirror)  # checks sizes and sha256
    assert len(store) == found.graphs
    one_hot = found.features in ("labels", "degree-one-hot")
    assert one_hot == bool((store.batch(slice(50)).x.sum(1) == 1).all())
    if found.degree_cap:
        assert store.num_features == found.degree_cap + 1


def test_unknown_card() -> None:
    with pytest.raises(UserError, match=r"There is no card of 'PROTEIN'. Did you mean PROTEINS"):
        get_card("PROTEIN")


def test_a_folder_of_cards_adds_and_replaces_within_its_block(tmp_path) -> None:
    for name, cap in (("MUTAG", 3), ("my-own", 4)):
        card = dataclasses.asdict(get_card("MUTAG")) | {"name": name, "degree_cap": cap}
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(card), encoding="utf-8")
    with using(tmp_path):
        assert {*TU, "my-own"} <= set(list_datasets())
        assert get_card("MUTAG").degree_cap == 3
        assert find_card("my-own").degree_cap == 4
        assert get_card("NCI1").name == "NCI1"
    inner = tmp_path / "inner"
    inner.mkdir()
    text = (tmp_path / "MUTAG.yaml").read_text(encoding="utf-8")
    (inner / "MUTAG.yaml").write_text(
        text.replace("degree_cap: 3", "degree_cap: 5"), encoding="utf-8"
    )
    with using(tmp_path), using(inner):
        assert get_card("MUTAG").degree_cap == 5
    assert find_card("my-own") is None
    assert get_card("MUTAG").degree_cap == 0


def test_reading_cards_imports_nothing_heavy() -> None:
    code = (
        "import sys, json; from graph_hcl.data import get_card, list_datasets;"
        "get_card('MUTAG'); list_datasets();"
        "print(json.dumps([m for m in ('torch', 'numpy', 'pyarrow') if m in sys.modules]))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert json.loads(shown.stdout) == []
