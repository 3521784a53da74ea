"""Valid files damaged in many ways, and the watch over what reads them."""

import contextlib
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

import graph_hcl.layers
from tests.hostile import watch
from tests.hostile.reader import Folder, Reader
from tests.hostile.readers.runs import read_once


def survey(folder: Path, reader: Reader, count: int, seed: int = 0) -> Counter[str]:
    """Read `count` damaged variants of files; fail where one is neither read nor refused."""
    outcomes: Counter[str] = Counter()
    faults: dict[str, str] = {}
    place = Folder(folder)
    reader.check(place)
    for number in range(count):
        rng = random.Random(f"{seed}-{number}")
        files = dict(rng.choice(reader.variants))
        for _ in range(rng.choice([1, 1, 1, 2, 3])):
            name = reader.only or rng.choice(list(files))
            with contextlib.suppress(Exception):  # it is damaged too far already
                files[name] = reader.damage(name)(rng, files[name])
        place.write(files)
        outcome, said = watch.attempt(lambda: reader.read(folder))
        outcomes[outcome] += 1
        if outcome not in ("value", "refused", *faults):
            changed = {
                k: v
                for k, v in files.items()
                if not any(v == one.get(k) for one in reader.variants)
            }
            faults[outcome] = f"input {number}: {said}\n    {repr(changed)[-400:]}"
    told = "\n".join(f"{outcomes[kind]} × {kind}, {about}" for kind, about in faults.items())
    print(dict(outcomes))
    assert not faults, f"\n{told}"
    # The damage is noticed at all; that of a line of metrics is a warning.
    assert outcomes["value"] < count or reader.only.endswith(".jsonl")
    return outcomes


@pytest.fixture(name="survey", scope="session")
def survey_fixture() -> Callable[..., Counter[str]]:
    return survey


@pytest.fixture(name="attempt", scope="session")
def attempt_fixture() -> Callable[..., tuple[str, str]]:
    return watch.attempt


@pytest.fixture
def yaml_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the same YAML text be parsed once; most of the time of a run's folder goes there."""
    monkeypatch.setattr(graph_hcl.layers, "parse_yaml", read_once())
