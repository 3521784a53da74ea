"""The sorted file of records, and the paths of a benchmark's folder."""

import pickle
from pathlib import Path

import pytest

from graph_hcl.benchmarking.folder import TrialFolder, read_records, write_records
from graph_hcl.errors import UserError


def record(dataset: str, protocol: str, trial: str) -> dict:
    return {"trial": trial, "dataset": dataset, "protocol": protocol, "records": []}


def test_records_are_sorted_by_data_set_protocol_and_trial(tmp_path: Path) -> None:
    some = [
        record("PROTEINS", "inductive", "a"),
        record("MUTAG", "transductive", "b"),
        record("MUTAG", "transductive", "a"),
        record("MUTAG", "inductive", "c"),
    ]
    some[2]["trial"] = "0"
    write_records(tmp_path / "r.jsonl", some)
    assert list(read_records(tmp_path / "r.jsonl")) == ["c", "0", "b", "a"]
    first = (tmp_path / "r.jsonl").read_bytes()
    write_records(tmp_path / "r.jsonl", reversed(some))
    assert (tmp_path / "r.jsonl").read_bytes() == first


@pytest.mark.parametrize("line", ["{", "[]", '{"trial": "a"}'])
def test_a_damaged_line_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "r.jsonl"
    write_records(file, [record("MUTAG", "inductive", "a")])
    file.write_text(file.read_text(encoding="utf-8") + line + "\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"r\.jsonl, line 2 is damaged"):
        read_records(file)


def test_the_sorted_file_lies_beside_the_folder_whatever_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.b").mkdir()
    monkeypatch.chdir(tmp_path / "a.b")
    assert TrialFolder(Path("c.d")).gathered_file == Path("c.d.jsonl")
    assert TrialFolder(Path(".")).gathered_file == tmp_path / "a.b.jsonl"


def test_a_worker_is_not_sent_the_gathered_records(tmp_path: Path) -> None:
    folder = TrialFolder(tmp_path / "x")
    write_records(folder.gathered_file, [record("MUTAG", "inductive", "a")])
    assert set(folder.gathered) == {"a"}
    again = pickle.loads(pickle.dumps(folder))
    assert "gathered" not in vars(again)
    assert set(again.gathered) == {"a"}
