"""The sorted file of records, and the paths of a benchmark's folder."""

import pickle
from pathlib import Path

import pytest

from graph_hcl.benchmarking.folder import TrialFolder, read_records, write_records
from graph_hcl.benchmarking.record import parse
from graph_hcl.errors import UserError

ROOT = Path(__file__).parents[2]


def some_records(number: int) -> list[dict]:
    """Return committed records of several data sets and protocols."""
    lines = []
    for name in ("inductive", "transductive"):
        file = ROOT / "benchmarks" / "results" / f"{name}.jsonl"
        lines += file.read_bytes().splitlines()[:: 400 // number]
    return [parse(line) for line in lines[:number]]


def test_records_are_sorted_by_data_set_protocol_and_trial(tmp_path: Path) -> None:
    some = some_records(30)
    write_records(tmp_path / "r.jsonl", some)
    order = sorted((one["dataset"], one["protocol"], one["trial"]) for one in some)
    assert len({one[:2] for one in order}) > 3
    assert list(read_records(tmp_path / "r.jsonl")) == [trial for _, _, trial in order]
    first = (tmp_path / "r.jsonl").read_bytes()
    write_records(tmp_path / "r.jsonl", reversed(some))
    assert (tmp_path / "r.jsonl").read_bytes() == first


@pytest.mark.parametrize("line", ["{", "[]", '{"trial": "a"}'])
def test_a_damaged_line_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "r.jsonl"
    write_records(file, some_records(1))
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
    (one,) = some_records(1)
    write_records(folder.gathered_file, [one])
    assert set(folder.gathered) == {one["trial"]}
    again = pickle.loads(pickle.dumps(folder))
    assert "gathered" not in vars(again)
    assert set(again.gathered) == {one["trial"]}
