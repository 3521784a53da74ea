"""The file `results.json` of a run: one record per line, checked when it is read."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from graph_hcl.calling import called
from graph_hcl.errors import UserError
from graph_hcl.files import write_text
from graph_hcl.results import ENCODERS, Provenance, Results
from graph_hcl.sealed import SEAL, digest, parse_json, unseal

SCHEMA = 4
"""Version of the file format."""


def read_results(file: Path) -> Results:
    """Return the results in a file; empty results where it does not exist.

    Raises `UserError` for a file that is damaged or of an earlier schema.
    """
    try:
        content = parse_json(file.read_bytes())
        if not isinstance(content, Mapping):
            raise _damaged(file, "it is not a mapping")
        if content.get("schema") != SCHEMA:
            raise _damaged(file, f"it was written by another version (its schema is not {SCHEMA})")
        content = unseal(content)
    except FileNotFoundError:
        return Results()
    except UserError:
        raise
    except ValueError as error:
        raise _damaged(file, f"it is damaged ({error})") from error
    return _check(content, file)


def write_results(file: Path, results: Results) -> None:
    """Write results to a file, one record per line."""
    evaluations = [json.dumps(dataclasses.asdict(about)) for about in results.evaluations]
    records = [json.dumps(record) for record in results.records]
    text = f'{{\n"schema": {SCHEMA}'
    for name, lines in (("evaluations", evaluations), ("records", records)):
        text += f',\n"{name}": [\n' + ",\n".join(lines) + "\n]"
    sha256 = digest(json.loads(text + "}"))
    write_text(file, f'{text},\n"{SEAL}": "{sha256}"\n}}\n')


_NUMBER = int | float
_PROVENANCE: dict[str, Any] = {
    "dataset": str,
    "objective": str,
    "data_sha256": str,
    "trained_on_sha256": list,
    "majority_accuracy": _NUMBER | None,
    "train_seconds": _NUMBER,
    "evaluate_seconds": _NUMBER,
    "command": list,
    "versions": Mapping,
}
_OPTIONAL: dict[str, Any] = {
    "commit": str | None,
    "threads": int | None,
    "processor": str | None,
    "code": Mapping,
    "init_from": str | None,
    "classes": list,
}
"""Columns of the provenance that older files lack."""
_RECORD: dict[str, Any] = {
    "evaluation": int,
    "dataset": str,
    "objective": str,
    "encoder": str,
    "protocol": str,
    "probe": str,
    "settings": Mapping,
    "seed": int,
    "fold": int,
    "scores": Mapping,
    "params": Mapping,
    "validation_score": _NUMBER | None,
    "train": int,
    "validation": int,
    "test": list,
    "labels": list,
    "predictions": list,
    "decision": list | None,
    "draw": int,
    "pool": int | None,
}


def _check(content: Mapping[str, Any], file: Path) -> Results:
    """Return the results after checks: a file may be damaged or edited by hand."""
    parts = []
    for name, kinds in (("evaluations", _PROVENANCE), ("records", _RECORD)):
        rows = content.get(name)
        if not isinstance(rows, list):
            raise _damaged(file, f"it has no {name}")
        for row in rows:
            for column, kind in kinds.items():
                if not isinstance(row, Mapping) or not isinstance(row.get(column, ...), kind):
                    raise _damaged(file, f"one of its {name} has no valid '{column}'")
        parts.append([{column: row[column] for column in kinds} for row in rows])
    evaluations, records = parts
    for about, row in zip(evaluations, content["evaluations"], strict=True):
        for column, kind in _OPTIONAL.items():
            if column in row:
                if not isinstance(row[column], kind):
                    raise _damaged(file, f"one of its evaluations has no valid '{column}'")
                about[column] = row[column]
    for record in records:
        if not 0 <= record["evaluation"] < len(evaluations):
            raise _damaged(file, "a record has no provenance")
        if not len(record["test"]) == len(record["labels"]) == len(record["predictions"]):
            raise _damaged(file, "the numbers of labels and predictions of a record differ")
        scores = record["scores"]
        if not scores or not all(isinstance(value, _NUMBER) for value in scores.values()):
            raise _damaged(file, "a record has no scores")
    results = Results([Provenance(**about) for about in evaluations], records)
    try:
        for comparison in results.comparisons().values():
            metrics = [set(f.scores) for e in ENCODERS for f in getattr(comparison, e).folds]
            if any(names != metrics[0] for names in metrics):
                raise _damaged(file, "its records have different metrics")
    except UserError as error:
        raise _damaged(file, "a probe lacks records of one of the encoders") from error
    return results


def _damaged(file: Path, problem: str) -> UserError:
    return UserError(
        f"Expected {file} to hold the scores of probes, but {problem}: delete the file and run "
        f"{called('evaluate')} {file.parent}."
    )
