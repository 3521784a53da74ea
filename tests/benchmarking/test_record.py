"""Records of trials are checked when they are read: types, ranges, their name and their hash."""

import copy
import json
from pathlib import Path

import numpy as np
import pytest

from graph_hcl.benchmarking.record import MAX_BYTES, SCHEMA, parse, to_line
from graph_hcl.sealed import SEAL, digest

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"
FILES = sorted(RESULTS.glob("*.jsonl"))
FIRST = FILES[-1].read_bytes().splitlines()[0]
LAST = (RESULTS / "development.jsonl").read_bytes().splitlines()[0]
"""A record of the first layout, and one of the last before records bore their hash."""


def sealed() -> dict:
    return parse(LAST) | {"schema": SCHEMA}


def edited(line: bytes, path: list, value: object) -> bytes:
    """Return a record with another value at a path, `...` for none."""
    record = json.loads(line)
    place = record
    for step in path[:-1]:
        place = place[step]
    if value is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return json.dumps(record).encode()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_records_without_a_hash_are_read_and_written_as_they_are(file: Path) -> None:
    for line in file.read_bytes().splitlines(keepends=True):
        record = parse(line)
        assert SEAL not in record
        assert to_line(record).encode() == line


def test_a_new_record_bears_its_hash() -> None:
    line = to_line(sealed())
    assert json.loads(line)[SEAL] == digest(sealed())
    assert parse(line.encode()) == sealed()


@pytest.mark.parametrize("schema", [SCHEMA, SCHEMA - 1])
def test_a_hash_that_is_taken_away_or_is_wrong_is_noticed(schema: int) -> None:
    record = json.loads(to_line(sealed()))
    del record[SEAL]
    with pytest.raises(ValueError, match="does not have its sha256"):
        parse(json.dumps(record).encode())
    wrong = record | {"schema": schema, SEAL: "0" * 64}
    with pytest.raises(ValueError, match="does not have its sha256"):
        parse(json.dumps(wrong).encode())


FOLD = ["records", 0]
FAULTS = [
    (["schema"], 1, "its schema is 1, not 2 to"),
    (["schema"], True, "its schema is true"),
    (["schema"], SCHEMA + 1, "its schema is"),
    (["schema"], ..., "its schema is null"),
    (["trial"], "0" * 20, "its settings are those of the trial"),
    (["trial"], 7, "'trial' of it is 7"),
    (["method"], 7, "'method' of it is 7, not the name of a method"),
    (["dataset"], "MUTAG", "its dataset is not the one of its key"),
    (["protocol"], "inductive", "its protocol is not the one of its key"),
    (["key", "config", "lr"], 0.5, "it is"),
    (["key", "config", "hidden"], 33, "its settings are those of the trial"),
    (["key", "epochs"], [], "no config or no epochs"),
    (["key"], None, "'key' of it is null"),
    (["data_sha256"], "0" * 63, "'data_sha256' of it"),
    (["versions"], {"torch": 2}, "'versions' of it"),
    (["seconds"], {"train": -1, "evaluate": 0}, "'seconds' of it"),
    (["seconds"], {}, "'seconds' of it"),
    (["seconds"], {"train": 10**400, "evaluate": 0}, "'seconds' of it"),
    (["key", "config", "probe"], 0.5, "it"),
    ([*FOLD, "scores", "mine"], 10**400, "'mine' of record 0"),
    (["records"], [], "its list of records is empty"),
    (["records"], {}, "'records' of it"),
    (["stoped"], "x", 'an unknown column "stoped"'),
    ([*FOLD, "scores", "accuracy"], 7.0, "'accuracy' of record 0 is 7.0, not a number from 0 to 1"),
    ([*FOLD, "scores", "accuracy"], float("nan"), "'accuracy' of record 0 is NaN"),
    ([*FOLD, "scores", "accuracy"], None, "'accuracy' of record 0 is null"),
    ([*FOLD, "scores", "accuracy"], True, "'accuracy' of record 0 is true"),
    ([*FOLD, "scores", "mine"], "x", "'mine' of record 0"),
    ([*FOLD, "scores", "mine"], 0.5, "record 1 has other metrics than record 0"),
    ([*FOLD, "scores"], {}, "'scores' of record 0"),
    ([*FOLD, "validation_score"], 1.5, "'validation_score' of record 0"),
    ([*FOLD, "epoch"], 21.5, "'epoch' of record 0"),
    ([*FOLD, "epoch"], 99, "not of the epochs of its key"),
    ([*FOLD, "seed"], 99, "record 0 is of seed 99"),
    ([*FOLD, "fold"], 1, "record 1 is a second one of fold 1"),
    ([*FOLD, "fold"], 10, "it does not have the 10 folds of its key"),
    ([*FOLD, "fold"], -1, "'fold' of record 0"),
    ([*FOLD, "train"], 10**400, "'train' of record 0"),
    ([*FOLD, "test"], 0, "'test' of record 0"),
    ([*FOLD, "tested"], "0" * 15, "'tested' of record 0"),
    ([*FOLD, "tested"], None, "'tested' of record 0"),
    ([*FOLD, "params"], None, "'params' of record 0"),
    ([*FOLD, "probe"], "\ud800", "surrogates not allowed"),
    ([*FOLD, "more"], 1, 'an unknown column "more"'),
    (FOLD, None, "record 0 is not a mapping"),
    (FOLD, ..., "it does not have the 10 folds of its key"),
]


@pytest.mark.parametrize("line", [FIRST, LAST], ids=["first", "last"])
@pytest.mark.parametrize(("path", "value", "problem"), FAULTS)
def test_each_fault_is_one_sentence(line: bytes, path: list, value, problem: str) -> None:
    try:
        changed = edited(line, path, value)
    except KeyError:
        return
    if path == ["dataset"]:
        changed = changed.replace(b'"dataset": "MUTAG"', b'"dataset": "other"', 1)
    if path == ["key", "config", "lr"]:  # a setting that this version does not know
        with pytest.raises(ValueError, match="its settings are those of the trial None"):
            parse(changed)
        return
    with pytest.raises(ValueError, match=r"^.+\Z") as caught:
        parse(changed)
    assert problem in str(caught.value)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    "text",
    [b"", b"null", b"[]", b"7", b"{}", b"\xff", b"{", b"[" * 100_000, b"9" * 5000, b'"a"', b"NaN"],
    ids=lambda text: repr(text[:6]),
)
def test_what_is_no_record_is_a_sentence(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(text)


def test_any_depth_is_a_sentence() -> None:
    """Where parsing just ends within the limit of recursion, hashing may not."""
    for depth in range(700, 1000):
        text = f'{{"schema":{SCHEMA},"{SEAL}":"","a":{"[" * depth}{"]" * depth}}}'
        with pytest.raises(ValueError, match=r"nested too deeply|sha256"):
            parse(text.encode())


def test_a_record_without_end_is_not_read() -> None:
    with pytest.raises(ValueError, match="longer than 256 MiB"):
        parse(bytes(MAX_BYTES + 1))


def test_a_measurement_may_hold_what_it_likes_of_the_epochs_of_its_key() -> None:
    from graph_hcl.benchmarking.identity import recorded_name

    record = copy.deepcopy(sealed())
    record["key"]["measure"] = "mine:Own"
    record["trial"] = recorded_name(record["key"])
    rows = [{"epoch": 20, "part": "seed0", "loss": float("nan"), "by": {2: 1, 10: 2}}]
    record["records"] = rows
    read = parse(to_line(record).encode())
    assert read["records"][0]["by"] == {"2": 1, "10": 2}
    with pytest.raises(ValueError, match="record 0 is of epoch 3"):
        parse(to_line(record | {"records": [rows[0] | {"epoch": 3}]}).encode())
    with pytest.raises(ValueError, match="record 0 has no 'part'"):
        parse(to_line(record | {"records": [{"epoch": 20}]}).encode())


def outcome(text: bytes, before: dict) -> bool:
    """Tell whether damage was noticed; fail where something else is read."""
    try:
        after = parse(text)
    except ValueError:
        return True
    assert after == before
    return False


def test_no_damage_to_a_sealed_record_is_silent() -> None:
    before = sealed()
    line = to_line(before).encode()
    generator = np.random.default_rng(0)
    for place in generator.integers(len(line), size=300):
        content = bytearray(line)
        content[place] ^= 1 << int(generator.integers(8))
        outcome(bytes(content), before)
    lengths = [int(length) for length in generator.integers(len(line) - 1, size=50)]
    assert all(outcome(line[:length], before) for length in lengths)


@pytest.mark.campaign
@pytest.mark.slow
def test_no_bit_of_a_sealed_record_is_silent() -> None:
    before = sealed()
    line = to_line(before).encode()
    noticed = 0
    for place in range(len(line)):
        for bit in range(8):
            content = bytearray(line)
            content[place] ^= 1 << bit
            noticed += outcome(bytes(content), before)
    assert noticed > 7.9 * len(line)
    assert all(outcome(line[:length], before) for length in range(len(line) - 1))
