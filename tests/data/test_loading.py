"""Features by the card, and a cache that is valid or rebuilt, whenever it was interrupted."""

import dataclasses
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import save_file

from graph_hcl.data import GraphStore, cards, get_card, load
from graph_hcl.errors import UserError


def same(one: GraphStore, other: GraphStore) -> bool:
    return one.digest() == other.digest() and one.sha256 == other.sha256


@pytest.fixture
def mutag(tmp_path):
    """A data folder with MUTAG, its raw folder and its cache."""
    load("MUTAG", data_dir=str(tmp_path))
    return tmp_path / "MUTAG"


def test_labels_one_hot(put_raw) -> None:
    store = load("TINY", data_dir=put_raw())
    x = store.vocabulary.node.encode(store.x)
    assert x.tolist() == [[1, 0, 0], [0, 0, 1], [1, 0, 0], [0, 1, 0], [1, 0, 0], [1, 0, 0]]


def test_attributes_on_request_come_first(put_raw) -> None:
    data = put_raw()
    store = load("TINY", data_dir=data, node_attributes=True)
    assert store[1].x[0].tolist() == [3, 4, 0, 1, 0]
    assert load("TINY", data_dir=data).num_features == 3  # each request has its own cache
    assert load("TINY", data_dir=data, node_attributes=True).num_features == 5


def test_attributes_where_there_are_no_labels(put_raw, tiny) -> None:
    del tiny["node_labels"]
    assert load("TINY", data_dir=put_raw(tiny)).x[5].tolist() == [5, 6.25]


def test_degrees_where_there_is_nothing_else(put_raw, tiny, tmp_path) -> None:
    del tiny["node_labels"], tiny["node_attributes"]
    data = put_raw(tiny)
    degree = [2, 2, 2, 1, 1, 0]
    assert load("TINY", data_dir=data).batch([0, 1]).x.argmax(1).tolist() == degree
    with pytest.raises(UserError, match="Expected node attributes in TINY"):
        load("TINY", data_dir=data, node_attributes=True)

    # A card says otherwise, and the cache made without it is not used.
    def load_with(**changes):
        card = dataclasses.replace(
            get_card("IMDB-BINARY"), name="TINY", graphs=2, classes=2, average_nodes=3.0,
            average_edges=2.0, degree_cap=1, sha256={},
        )  # fmt: skip
        text = yaml.safe_dump(dataclasses.asdict(dataclasses.replace(card, **changes)))
        (tmp_path / "TINY.yaml").write_text(text, encoding="utf-8")
        with cards.using(tmp_path):
            return load("TINY", data_dir=data)

    assert load_with().batch([0, 1]).x.tolist() == [[0, 1]] * 5 + [[1, 0]]
    x = load_with(features="degree-log", degree_cap=0).x
    assert torch.allclose(x[:, 0], (1 + torch.tensor(degree, dtype=torch.float)).log())
    with pytest.raises(UserError, match=r"Expected graphs 3 in TINY, but the files in .* have 2"):
        load_with(features="labels", graphs=3)


def test_second_start_reads_no_text(mutag) -> None:
    first = load("MUTAG", data_dir=str(mutag.parent))
    for file in (mutag / "raw").iterdir():  # of the same size and age, with other content
        state = file.stat()
        file.write_bytes(b"x" * state.st_size)
        os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert same(load("MUTAG", data_dir=str(mutag.parent)), first)
    assert len(first.sha256) == 64


def test_other_sha256_for_other_content(put_raw, tiny) -> None:
    one = load("TINY", data_dir=put_raw()).sha256
    assert load("TINY", data_dir=put_raw()).sha256 == one
    assert load("TINY", data_dir=put_raw(tiny | {"graph_labels": "1\n1\n"})).sha256 != one


@pytest.mark.parametrize("spoil", ["cut", "flip", "empty"])
def test_damaged_cache_is_rebuilt(mutag, spoil) -> None:
    (cache,) = mutag.glob("*.safetensors")
    first = load("MUTAG", data_dir=str(mutag.parent))
    digest, content = first.digest(), bytearray(cache.read_bytes())
    content[-5] ^= 1
    cache.write_bytes({"cut": content[:-100], "flip": content, "empty": b""}[spoil])
    with pytest.warns(UserWarning, match=r"safetensors is damaged \(.*rebuilt from"):
        assert load("MUTAG", data_dir=str(mutag.parent)).digest() == digest
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load("MUTAG", data_dir=str(mutag.parent))


@pytest.mark.parametrize("notes", [None, "", "3", "[3]", '{"a": "b"}', "[" * 100_000, 3, ["a"]])
def test_a_cache_with_forged_warnings_is_rebuilt(mutag, notes) -> None:
    (cache,) = mutag.glob("*.safetensors")
    store, metadata = GraphStore.open(cache)
    store.save(cache, {"stamp": metadata["stamp"]} | ({} if notes is None else {"notes": notes}))
    with pytest.warns(UserWarning, match="its warnings are no list of texts.*rebuilt from"):
        assert same(load("MUTAG", data_dir=str(mutag.parent)), store)
    assert GraphStore.open(cache)[1] == metadata


def test_a_cache_of_an_earlier_version_is_rebuilt_without_a_word(mutag) -> None:
    (cache,) = mutag.glob("*.safetensors")
    first = load("MUTAG", data_dir=str(mutag.parent))
    save_file(first.tensors(), cache, {"stamp": "1", "digest": "2"})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert same(load("MUTAG", data_dir=str(mutag.parent)), first)
        GraphStore.open(cache)


@pytest.mark.parametrize("spoil", [lambda b: b[:-1], lambda b: b.replace(b"0", b"1", 1)])
def test_altered_raw_files_are_noticed(mutag, spoil) -> None:
    file = mutag / "raw" / "MUTAG_node_labels.txt"
    file.write_bytes(spoil(file.read_bytes()))
    with pytest.raises(
        UserError, match=r"MUTAG_node_labels.txt is not the published file .* remov"
    ):
        load("MUTAG", data_dir=str(mutag.parent))


def test_missing_raw_file(mutag) -> None:
    (mutag / "raw" / "MUTAG_A.txt").unlink()
    with pytest.raises(UserError, match=r"MUTAG_A.txt is missing: put them there or remove"):
        load("MUTAG", data_dir=str(mutag.parent))


def test_touched_raw_files_are_read_again(mutag) -> None:
    (cache,) = mutag.glob("*.safetensors")
    made = [cache.stat().st_mtime_ns]
    os.utime(mutag / "raw" / "MUTAG_A.txt", (1, 1))
    for _ in range(2):
        load("MUTAG", data_dir=str(mutag.parent))
        made.append(cache.stat().st_mtime_ns)
    assert made[0] < made[1] == made[2]


KILLED = """
import os, shutil, signal, sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from graph_hcl.data import load, store_file
from graph_hcl.data.sources import tu
import graph_hcl.files

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

def at(number, function):  # die in the call of that number
    calls = iter(range(number))
    return lambda *a, **k: function(*a, **k) if next(calls, None) is not None else die()

def half(tensors, path, metadata=None):
    path.write_bytes(b"half")
    die()

points = [
    (shutil, "copyfile", die), (shutil, "copyfile", at(2, shutil.copyfile)),
    (Path, "rename", die), (tu, "check_sha256", die), (tu, "read", die),
    (store_file, "save_file", half), (graph_hcl.files.os, "fsync", die), (Path, "replace", die),
]
for number, (owner, name, replacement) in enumerate(points):
    child = os.fork()
    if child == 0:
        setattr(owner, name, replacement)
        load("MUTAG", data_dir=f"{sys.argv[1]}/{number}")
        os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL, name
    assert len(load("MUTAG", data_dir=f"{sys.argv[1]}/{number}")) == 188
print(len(points))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_killed_at_any_moment(tmp_path) -> None:
    run = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", KILLED, str(tmp_path)],
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert run.stdout.strip() == "8", run.stderr
    want = load("MUTAG", data_dir=str(tmp_path / "whole"))
    assert all(same(load("MUTAG", data_dir=str(tmp_path / str(n))), want) for n in range(8))
    assert Path(tmp_path / "0" / "MUTAG" / "raw").is_dir()
