"""What the command for GPUs keeps of steps that fail, end their process or never end."""

import json
import os
import time

import pytest
import torch

from benchmarks.device import apart, steps
from benchmarks.device.machine import ENDED, Machine

CPU = torch.device("cpu")
ENDING = "tests.benchmarks.ending_steps"


@pytest.fixture
def plan(monkeypatch, tmp_path):
    """Return what runs functions of `ending_steps`, and returns what is kept of each."""

    def run(*names: str, budget: float = 20.0, tell=lambda line: None):
        given = [steps.Step(name, f"{ENDING}.{name}", 9, 5) for name in names]
        monkeypatch.setattr(steps, "STEPS", given)
        found = steps.run_all(Machine(CPU), tmp_path, tell=tell, budget=budget)
        known = json.loads((tmp_path / "gpu.json").read_text(encoding="utf-8"))
        assert list(known["steps"]) == list(names) == list(found["steps"])
        assert [file.name for file in tmp_path.iterdir()] == ["gpu.json"]
        return known["steps"]

    return run


def test_a_step_that_fails_is_kept_and_the_next_goes_on(plan, tmp_path) -> None:
    seen = []

    def tell(line: str) -> None:
        seen.append(json.loads((tmp_path / "gpu.json").read_text(encoding="utf-8"))["steps"])

    last = plan("broken", "empty", "fine", "lacking", budget=5.0, tell=tell)
    assert [len(each) for each in seen] == [1, 2, 3, 4]
    assert last["broken"]["failed"] == "ZeroDivisionError: a kernel"
    assert "in broken" in last["broken"]["traceback"]
    assert last["broken"]["found"] == {"before": 1}
    assert "found" not in last["empty"]
    assert 2 < last["fine"]["found"]["left"] <= 5
    assert last["fine"]["found"]["nan"] is None
    assert last["fine"]["first calls"] == 0
    assert "AttributeError" in last["lacking"]["failed"]


def test_a_case_that_ends_its_process_costs_this_case_alone(plan) -> None:
    known = plan("ends", "fine", budget=60.0)
    found = known["ends"]["found"]
    assert found["exits"] == found["crashes"] == {"missing": ENDED}
    assert found["raises"] == {"missing": "ZeroDivisionError: division by zero"}
    assert isinstance(found["right"], int)
    assert known["ends"]["lost"] == ["its process ended: exit code 3", "its process ended: SIGSEGV"]
    assert "failed" not in known["ends"]
    assert "found" in known["fine"]


def test_a_case_that_loses_the_device_costs_this_case_alone(plan) -> None:
    known = plan("loses", "loses_at_last", "fine", budget=60.0)
    error = "RuntimeError: CUDA error: an illegal memory access was encountered"
    assert known["loses"]["found"] == {"good": 1, "bad": {"missing": error}, "next": 2}
    assert known["loses"]["lost"] == [error]
    assert known["loses_at_last"]["failed"] == "ZeroDivisionError: division by zero"
    assert "found" in known["fine"]


@pytest.mark.slow
def test_a_step_that_hangs_is_ended_and_keeps_what_it_had(plan) -> None:
    known = plan("hangs", "fine", budget=3.0)
    assert known["hangs"]["found"] == {"first": None, "second": {"missing": ENDED}}
    assert known["hangs"]["failed"] == "it took too long"
    assert "in hangs" in known["hangs"]["traceback"]
    assert known["hangs"]["seconds"] < 3 + 2 * apart.SLACK
    assert "found" in known["fine"]


@pytest.mark.slow
def test_after_a_case_that_hangs_its_step_goes_on(plan) -> None:
    known = plan("hangs_briefly", "ends_at_once", "fine", budget=60.0)
    assert known["hangs_briefly"]["found"] == {"first": {"missing": ENDED}, "second": None}
    assert known["hangs_briefly"]["lost"] == ["it took too long"]
    assert "failed" not in known["hangs_briefly"]
    assert known["ends_at_once"]["failed"] == "its process ended: SIGKILL"
    assert "found" in known["fine"]


def test_a_step_that_ends_each_process_is_given_up(plan) -> None:
    known = plan("ends_always", "fine", budget=60.0)
    assert len(known["ends_always"]["lost"]) == apart.TRIES
    assert known["ends_always"]["failed"] == "its process ended: exit code 1"
    assert len(known["ends_always"]["found"]) == apart.TRIES
    assert "found" in known["fine"]


def test_what_does_not_answer_at_all_is_ended_from_outside(monkeypatch) -> None:
    monkeypatch.setattr(apart, "SLACK", 0.5)
    step = steps.Step("deaf", f"{ENDING}.deaf", 1, 1)
    with apart.Apart(CPU, True, None) as process:
        assert process.begin(float("inf")) is None
        kept = process.run(step, time.perf_counter() + 3, {}, lambda found: None)
        assert kept["failed"] == "its process ended: it did not answer"
        assert process.begin(float("inf")) is None


@pytest.mark.parametrize(("name", "number"), [("cuda", 0), ("cuda:1", 1)])
def test_a_process_takes_the_device_with_or_without_a_number(monkeypatch, name, number) -> None:
    chosen = []

    def set_device(device):  # as torch's does
        chosen.append(torch.cuda._utils._get_device_index(device))
        raise KeyboardInterrupt

    monkeypatch.setattr(torch.cuda, "set_device", set_device)
    monkeypatch.setattr(os, "setsid", lambda: None)
    monkeypatch.setattr(apart.faulthandler, "enable", lambda file: None)
    with pytest.raises(KeyboardInterrupt):
        apart._serve(None, name, False, None, os.devnull)
    assert chosen == [number]
