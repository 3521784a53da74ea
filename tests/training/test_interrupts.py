"""Signals end a command at the next step, with a checkpoint; training goes on inside an epoch."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from graph_hcl import train
from graph_hcl.__main__ import main
from graph_hcl.console import run_command
from graph_hcl.interrupts import Interrupted, asked, handled, postponed, stop_if_asked
from graph_hcl.training.callbacks import CheckpointWriter

SMALL = ["--dataset", "MUTAG", "--batch-size", "16", "--hidden", "8", "--layers", "2"]
MORE = [
    "--encoder.dropout",
    "0.3",
    "--loss.memory-size",
    "32",
    "--views",
    "edge_drop(0.2)",
    "identity",
]
QUICK = [
    *SMALL,
    *MORE,
    "--beta",
    "0.5",
    "--probe",
    "class-mean",
    "--probe.folds",
    "2",
    "--epochs",
    "3",
]
PART = "checkpoint/seed0.safetensors"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def metrics(run: str) -> list[dict]:
    from graph_hcl.training import RunFolder

    timing = ("seconds", "graphs_per_second")
    return [{k: v for k, v in r.items() if k not in timing} for r in RunFolder(Path(run)).metrics()]


def same(run: str, other: str) -> bool:
    a, b = (load_file(Path(one, PART)) for one in (run, other))
    return set(a) == set(b) and all(torch.equal(a[name], b[name]) for name in a)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("whole") / "run"
    assert main(["train", *QUICK, "--out", str(folder)]) == 0
    return str(folder)


@pytest.mark.parametrize(
    ("stop", "every"), [(1, None), (11, None), (12, None), (17, None), (5, 1), (30, 4)]
)
def test_a_training_that_was_stopped_ends_bit_equal(whole, stop, every, monkeypatch) -> None:
    steps = 0
    real = CheckpointWriter.on_step_end

    def on_step_end(self, state) -> None:
        nonlocal steps
        steps += 1
        if steps == stop:
            os.kill(os.getpid(), signal.SIGTERM)
        real(self, state)

    often = [] if every is None else ["--checkpoint-every", str(every)]
    with monkeypatch.context() as patch:
        patch.setattr(CheckpointWriter, "on_step_end", on_step_end)
        assert main(["train", *QUICK, *often, "--out", "run"]) == 143
    assert main(["train", "--resume", "run"]) == 0
    assert same("run", whole)
    assert metrics("run") == metrics(whole)


def test_a_training_that_was_killed_goes_on_from_its_last_step(whole, monkeypatch) -> None:
    class Killed(BaseException):
        pass

    real = CheckpointWriter.on_step_end

    def on_step_end(self, state) -> None:
        real(self, state)
        if state.epoch == 2 and state.step == 7:
            raise Killed

    taken = []
    with monkeypatch.context() as patch:
        patch.setattr(CheckpointWriter, "on_step_end", on_step_end)
        with pytest.raises(Killed):
            main(["train", *QUICK, "--checkpoint-every", "3", "--out", "run"])
    monkeypatch.setattr(
        CheckpointWriter, "on_step_end", lambda self, state: taken.append((state.epoch, state.step))
    )
    assert main(["train", "--resume", "run"]) == 0
    assert taken[0] == (2, 7)  # step 6 was saved
    assert same("run", whole)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_ends_a_command_with_a_sentence_and_its_code(name: str) -> None:
    number = getattr(signal, name)
    command = [
        sys.executable,
        "-m",
        "graph_hcl.train",
        *QUICK,
        "--epochs",
        "100000",
        "--out",
        "run",
    ]
    command.remove("3")
    command.pop(command.index("--epochs"))
    running = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    while not Path("run", PART).exists() and running.poll() is None:
        time.sleep(0.05)
    running.send_signal(number)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 128 + number
    assert (
        said.decode()
        .rstrip()
        .endswith(
            "interrupted: finished work is kept; go on with: python -m graph_hcl.train --resume run"
        )
    )
    assert "Traceback" not in said.decode()
    assert not list(Path("run").rglob(".*"))


def test_a_signal_during_imports_is_one_sentence() -> None:
    code = (
        "import sys, os, signal, threading\nfrom graph_hcl.console import run_command\n"
        "def main(argv):\n    mine = os.getpid(), signal.SIGTERM\n"
        "    threading.Timer(0.2, os.kill, mine).start()\n"
        "    import torch, sklearn.svm, pandas, rdkit, matplotlib.pyplot, networkx\n"
        "    import time; time.sleep(20)\n"
        "sys.exit(run_command(main, []))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 143
    assert done.stderr.decode().strip() == "interrupted: finished work is kept."


def test_a_second_signal_does_not_wait() -> None:
    def work(argv) -> None:
        with postponed():
            os.kill(os.getpid(), signal.SIGINT)
            assert asked() == signal.SIGINT
            os.kill(os.getpid(), signal.SIGINT)
            raise AssertionError("it went on")

    assert run_command(work, []) == 130


def test_handlers_are_put_back_and_ignored_signals_stay_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with handled():
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
            with postponed():
                os.kill(os.getpid(), signal.SIGTERM)
                with pytest.raises(Interrupted):
                    stop_if_asked()
            assert asked() is None
    finally:
        signal.signal(signal.SIGHUP, before)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_signals_wait_while_a_lock_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second one, too, as that of Ctrl-C and then of the command to its workers."""
    from graph_hcl import lock

    read = lock._read

    def interrupted(path: Path) -> str:
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
        return read(path)

    def work(argv: object) -> None:
        with lock.lock(Path("a.lock")) as mine:
            assert mine
            monkeypatch.setattr(lock, "_read", interrupted)
            if argv:
                raise KeyError

    assert run_command(work, []) in (130, 143)
    assert not Path("a.lock").exists()
    monkeypatch.setattr(lock, "_read", read)
    assert run_command(work, ["fails"]) in (130, 143)
    assert not Path("a.lock").exists()


def test_a_signal_while_a_lock_is_taken_gives_it_back(monkeypatch: pytest.MonkeyPatch) -> None:
    from graph_hcl import lock

    acquired = lock._acquired

    def interrupted(path: Path, owner: str) -> bool:
        mine = acquired(path, owner)
        os.kill(os.getpid(), signal.SIGTERM)
        return mine

    def work(argv: object) -> None:
        with lock.lock(Path("a.lock")):
            raise AssertionError("it went on")

    monkeypatch.setattr(lock, "_acquired", interrupted)
    assert run_command(work, []) == 143
    assert not Path("a.lock").exists()


def test_a_signal_ends_one_command_and_not_the_work_after_it() -> None:
    def work(argv: object) -> None:
        with postponed():
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

    assert run_command(work, []) == 130
    with postponed():  # as a training called from Python
        assert asked() is None
        stop_if_asked()


def test_a_signal_that_an_import_turns_into_an_error_ends_the_command(capsys) -> None:
    def work(argv: object) -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except KeyboardInterrupt:
            raise ImportError("initialization of a module failed") from None

    assert run_command(work, []) == 143
    assert capsys.readouterr().err.strip() == "interrupted: finished work is kept."


def test_a_training_tells_where_it_is_and_how_it_goes_on(monkeypatch, capsys) -> None:
    def interrupted(*_: object, **__: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr("graph_hcl.run.Trainer.fit", interrupted)
    way_on = "interrupted: finished work is kept; go on with: python -m graph_hcl.train --resume "
    folder = "runs/MUTAG-h-ucl-0"
    for argv in (QUICK, ["--resume", folder]):
        assert run_command(train.main, argv) == 130
        told = capsys.readouterr().err.splitlines()
        assert f"run folder: {folder}" in told
        assert told[-1] == f"{way_on}{folder}"
    with monkeypatch.context() as patch:
        patch.setattr("graph_hcl.experiment.load_graphs", interrupted)
        assert run_command(train.main, [*QUICK, "--out", "never"]) == 130
    assert capsys.readouterr().err.splitlines()[-1] == "interrupted: nothing was begun."
    assert not Path("never").exists()
    assert run_command(train.main, [*QUICK, "--out", "a place"]) == 130
    assert capsys.readouterr().err.splitlines()[-1] == f"{way_on}'a place'"
