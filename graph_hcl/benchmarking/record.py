"""The record of a trial: its layout, checked wherever it is read, and the hash that it bears."""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from graph_hcl.benchmarking.identity import recorded_name
from graph_hcl.probes.metrics import METRICS
from graph_hcl.sealed import SEAL, parse_json, seal, unseal

Record = Mapping[str, Any]
"""The result of a finished trial, as `run_trial` returns it."""

SCHEMA = 4
"""Version of the record's layout."""
OLDEST = 2
SEALED = 4
"""The first layout that bears its hash."""
MAX_BYTES = 1 << 28
"""Largest record that is read."""


@dataclass(frozen=True)
class _Column:
    """What a column holds, in words and as a test, and the first layout that must have it."""

    words: str
    holds: Callable[[Any], bool]
    since: float = OLDEST


NEVER = math.inf
"""In place of a first layout: no layout must have the column."""


def _is_whole(value: Any, least: int = 0, most: int = 1 << 53) -> bool:
    return type(value) is int and least <= value <= most


def _is_number(value: Any, low: float = -math.inf, high: float = math.inf) -> bool:
    low, high = max(low, -sys.float_info.max), min(high, sys.float_info.max)
    return type(value) in (int, float) and low <= value <= high


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _is_sha256(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value) is not None


def _is_short_hash(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{16}", value) is not None


def _is_mapping(value: Any) -> bool:
    return isinstance(value, dict)


def _are_texts(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_is_text, value.values()))


def _are_seconds(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and set(value) == {"train", "evaluate"}
        and all(_is_number(one, 0, 1e10) for one in value.values())
    )


def _or_none(holds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or holds(value)


_RECORD = {
    "schema": _Column("a layout", _is_whole),
    "trial": _Column("the name of a trial", _is_text),
    "dataset": _Column("the name of a data set", _is_text),
    "protocol": _Column("the name of a protocol", _is_text),
    "method": _Column("the name of a method", lambda value: isinstance(value, str), NEVER),
    "key": _Column("the settings", _is_mapping),
    "data_sha256": _Column("a sha256", _is_sha256),
    "commit": _Column("a commit or null", _or_none(_is_text), 3),
    "threads": _Column("a number of threads", lambda value: _is_whole(value, 1, 1 << 20), 3),
    "processor": _Column("the name of a processor or null", _or_none(_is_text), 3),
    "versions": _Column("versions by package", _are_texts),
    "seconds": _Column("seconds of train and evaluate", _are_seconds),
    "stopped": _Column("a reason", _is_text, NEVER),
    "records": _Column("a list", lambda value: isinstance(value, list)),
}
_FOLD = {
    "epoch": _Column("an epoch", _is_whole),
    "probe": _Column("the name of a probe", _is_text),
    "settings": _Column("settings", _is_mapping, 3),
    "seed": _Column("a seed", _is_whole),
    "fold": _Column("the number of a fold", lambda value: _is_whole(value, 0, 1 << 30)),
    "scores": _Column("scores by metric", lambda value: isinstance(value, dict) and bool(value)),
    "validation_score": _Column("a score or null", lambda value: True),
    "params": _Column("parameters", _is_mapping),
    "train": _Column("a number of graphs", lambda value: _is_whole(value, 1)),
    "validation": _Column("a number of graphs", _is_whole, 3),
    "test": _Column("a number of graphs", lambda value: _is_whole(value, 1)),
    "draws": _Column("a number of draws", lambda value: _is_whole(value, 1), NEVER),
    "pool": _Column("a number of graphs", lambda value: _is_whole(value, 1), NEVER),
    "tested": _Column("16 digits of a sha256", _is_short_hash, NEVER),
}
_MEASURED = {
    "epoch": _Column("an epoch", _is_whole),
    "part": _Column("the name of a part", _is_text),
}
"""Columns of what a measurement of the user's gives, besides its own."""


def to_line(record: Record) -> str:
    """Return a record as one line of JSON; one of a layout that bears its hash is sealed."""
    if record["schema"] >= SEALED:
        record = seal(json.loads(json.dumps(record)))  # names as they are read again
    return json.dumps(record, separators=(",", ":")) + "\n"


def parse(text: bytes) -> dict[str, Any]:
    """Return the record in a JSON text, without its hash; raise `ValueError` for any other text.

    Layouts before the sealed ones have no hash, but each record has the name that its own key
    gives, and each value its type and range.

    >>> parse(b"null")
    Traceback (most recent call last):
    ValueError: it is not a mapping
    """
    if len(text) > MAX_BYTES:
        raise ValueError(f"it is longer than {MAX_BYTES >> 20} MiB")
    record = parse_json(text)
    if not isinstance(record, dict):
        raise ValueError("it is not a mapping")
    schema: Any = record.get("schema")
    if not _is_whole(schema, OLDEST, SCHEMA):
        raise ValueError(f"its schema is {_shown(schema)}, not {OLDEST} to {SCHEMA}")
    content: dict[str, Any] = record
    if schema >= SEALED or SEAL in record:
        content = unseal(record)
    check(content)
    return content


def check(record: Record) -> None:
    """Raise `ValueError` for what is not the record of a trial, or of another than it says."""
    schema = record["schema"]
    _check_columns(record, _RECORD, schema, "it")
    json.dumps(record, ensure_ascii=False).encode()  # raises for half a character
    key = record["key"]
    config, epochs = key.get("config"), key.get("epochs")
    if not isinstance(config, dict) or not isinstance(epochs, list) or not epochs:
        raise ValueError("its key has no config or no epochs")
    name = recorded_name(key)
    if name != record["trial"] and (name is not None or schema < SEALED):
        raise ValueError(f"its settings are those of the trial {name}, not of {record['trial']}")
    for column in ("dataset", "protocol"):
        if config.get(column) != record[column]:
            raise ValueError(f"its {column} is not the one of its key")
    if not record["records"]:
        raise ValueError("its list of records is empty")
    if "measure" in key:
        for number, row in enumerate(record["records"]):
            _check_columns(row, _MEASURED, schema, f"record {number}", others=True)
            if row["epoch"] not in epochs:
                raise ValueError(f"record {number} is of epoch {row['epoch']}, not of its key's")
    else:
        _check_folds(record["records"], config, epochs, schema)


def _check_folds(rows: list[Any], config: Record, epochs: list[Any], schema: int) -> None:
    folds: dict[int, set[int]] = {}
    for number, row in enumerate(rows):
        where = f"record {number}"
        _check_columns(row, _FOLD, schema, where)
        for name, value in row["scores"].items():
            _check_score(name, value, f"'{name}' of {where}")
        if (chosen := row["validation_score"]) is not None:
            _check_score(next(iter(row["scores"])), chosen, f"'validation_score' of {where}")
        if row["seed"] != config.get("seed"):
            raise ValueError(f"{where} is of seed {row['seed']}, not {config.get('seed')}")
        seen = folds.setdefault(row["epoch"], set())
        if row["fold"] in seen:
            raise ValueError(f"{where} is a second one of fold {row['fold']}")
        seen.add(row["fold"])
        if list(row["scores"]) != list(rows[0]["scores"]):
            raise ValueError(f"{where} has other metrics than record 0")
    if set(folds) != set(epochs):
        raise ValueError("its records are not of the epochs of its key")
    if len(set(map(frozenset, folds.values()))) > 1:
        raise ValueError("its epochs have different folds")
    probe = config.get("probe", {})
    if not isinstance(probe, dict):
        raise ValueError("the probe of its key is not a mapping")
    drawn = probe.get("splits") is None and config["protocol"] in ("transductive", "inductive")
    found, wanted = next(iter(folds.values())), probe.get("folds")
    if drawn and not (_is_whole(wanted, 1) and len(found) == wanted == max(found) + 1):
        raise ValueError(f"it does not have the {_shown(wanted)} folds of its key")


def _check_columns(
    row: Any, columns: Mapping[str, _Column], schema: int, where: str, others: bool = False
) -> None:
    if not isinstance(row, Mapping):
        raise ValueError(f"{where} is not a mapping")
    for name, column in columns.items():
        if name not in row:
            if schema >= column.since:
                raise ValueError(f"{where} has no '{name}'")
        elif not column.holds(row[name]):
            raise ValueError(f"'{name}' of {where} is {_shown(row[name])}, not {column.words}")
    unknown = [name for name in row if name not in columns]
    if unknown and not others:
        raise ValueError(f"{where} has an unknown column {_shown(unknown[0])}")


def _check_score(metric: str, value: Any, what: str) -> None:
    """Raise `ValueError` for a score that its metric cannot have; one's own may be any number."""
    known = METRICS.get(metric)
    if known is None:
        if not (type(value) is float or (type(value) is int and _is_number(value))):
            raise ValueError(f"{what} is {_shown(value)}, not a number")
        return
    bounds = [end for end in (known.worst, known.best) if end is not None]
    low = min(bounds) if known.worst is not None or not known.greater_is_better else -math.inf
    high = max(bounds) if known.worst is not None or known.greater_is_better else math.inf
    if not _is_number(value, low, high):
        raise ValueError(f"{what} is {_shown(value)}, not a number from {low:g} to {high:g}")


def _shown(value: Any) -> str:
    """Return a value as JSON, cut to a few characters.

    >>> _shown([1] * 100)
    '[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, …'
    """
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:39]} …"
