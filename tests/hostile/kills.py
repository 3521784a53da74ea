"""Kill a command at each of its writes and at random moments, go on, and compare.

`python kills.py FOLDER KILLS SCENARIO…` prints one line of JSON for each scenario: how many kills
there were, at writes and at random moments, and what was lost or different. Commands run in forks
of one process that has imported everything, so that a kill takes a fraction of a second.
"""

import contextlib
import json
import os
import random
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
import yaml
from safetensors.torch import load_file

from graph_hcl.__main__ import main
from graph_hcl.data import load
from graph_hcl.provenance import commit

TINY = ["--dataset", "MUTAG", "--hidden", "4", "--layers", "1", "--beta", "0.5",
        "--batch-size", "64", "--checkpoint-every", "2", "--probe", "class-mean",
        "--probe.folds", "2"]  # fmt: skip
WRITES = {
    "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.truncate", "os.chmod",
    "os.utime", "shutil.rmtree", "shutil.copyfile",
}  # fmt: skip
SPEC = {
    "datasets": ["MUTAG"],
    "repeats": 2,
    "common": {"epochs": 2, "hidden": 4, "layers": 1, "probe": {"name": "class-mean", "folds": 2}},
    "methods": {
        "bag": {"baseline": "bag"},
        "h-ucl": {"settings": {"objective": "h-ucl", "beta": 0.5}},
    },
}


@dataclass
class Scenario:
    """A command that is killed, what comes before it, and what brings it to its end afterwards."""

    command: list[str]
    before: list[list[str]] = field(default_factory=list)
    after: Callable[[], list[str]] | None = None


def go_on() -> list[str]:
    """Return the command that goes on with a training, or begins it."""
    if Path("run/config.yaml").is_file():
        return ["train", "--resume", "run"]
    return TRAIN


TRAIN = ["train", *TINY, "--epochs", "2", "--out", "run"]
INDUCTIVE = [*TRAIN, "--protocol", "inductive"]
SHORT = ["train", *TINY, "--epochs", "1", "--out", "run"]
SCENARIOS = {
    "train": Scenario(TRAIN, after=go_on),
    "inductive": Scenario(
        INDUCTIVE, after=lambda: [*go_on(), *([] if Path("run").exists() else INDUCTIVE[-2:])]
    ),
    "resume": Scenario(["train", "--resume", "run", "--epochs", "3"], [SHORT]),
    "evaluate": Scenario(["evaluate", "run", "--probe", "knn"], [SHORT]),
    "embed": Scenario(["embed", "run", "--out", "z.npz"], [SHORT]),
    "report": Scenario(["report", "run", "--out", "report.html"], [SHORT]),
    "benchmark": Scenario(["benchmark", "tiny.yaml", "--out", "run"]),
    "benchmark-jobs": Scenario(["benchmark", "tiny.yaml", "--out", "run", "--jobs", "2"]),
    "gather": Scenario(
        ["benchmark", "tiny.yaml", "--out", "run", "--gather"],
        [["benchmark", "tiny.yaml", "--out", "run"]],
    ),
}


def forked(argv: list[str], folder: Path, kill_at: int = 0) -> int:
    """Return the process number of a fork that runs a command, killed before a write if asked."""
    if child := os.fork():
        return child
    code = 1
    try:
        os.chdir(folder)
        said = os.open("said.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(said, 1)
        os.dup2(said, 2)
        count = watch_writes(kill_at, str(folder))
        code = main(argv)
        Path("writes.txt").write_text(str(count()), encoding="utf-8")
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def watch_writes(kill_at: int, folder: str) -> Callable[[], int]:
    """Count what this process changes in files, and kill it before the change of that number."""
    seen = 0

    def hook(event: str, arguments: tuple) -> None:
        nonlocal seen
        opened = event == "open" and (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR)
        if not opened and event not in WRITES:
            return
        seen += 1
        if seen == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    return lambda: seen


def content(folder: Path) -> dict:
    """Return all that a folder holds, without times and places."""
    found: dict = {}
    for file in sorted(folder.rglob("*")):
        name = str(file.relative_to(folder))
        if not file.is_file() or file.name in ("said.txt", "writes.txt", "tiny.yaml"):
            continue
        if ".previous" in name:
            continue  # which one is kept depends on where the training was begun again
        if file.suffix == ".safetensors":
            found[name] = {k: v.numpy().tobytes() for k, v in load_file(file).items()}
        elif file.suffix == ".npz":
            found[name] = {k: v.tobytes() for k, v in np.load(file).items()}
        elif file.suffix in (".json", ".jsonl"):
            text = file.read_text(encoding="utf-8")
            parts = [text] if file.suffix == ".json" else text.splitlines()
            found[name] = [timeless(json.loads(part)) for part in parts]
        elif file.suffix == ".html":
            found[name] = file.stat().st_size > 10_000
        else:
            found[name] = file.read_bytes()
    return found


def timeless(value: object) -> object:
    if isinstance(value, dict):
        return {
            k: timeless(v)
            for k, v in value.items()
            if not (k.endswith(("seconds", "per_second")) or k in ("sha256", "command", "configs"))
        }
    return [timeless(one) for one in value] if isinstance(value, list) else value


def ready(scenario: Scenario, folder: Path, base: Path) -> Path:
    """Return a new folder in the state before the command."""
    shutil.rmtree(folder, ignore_errors=True)
    if base.exists():
        shutil.copytree(base, folder)
        return folder
    folder.mkdir(parents=True)
    (folder / "tiny.yaml").write_text(yaml.safe_dump(SPEC), encoding="utf-8")
    for argv in scenario.before:
        finish(argv, folder)
    shutil.copytree(folder, base)
    return folder


def finish(argv: list[str], folder: Path) -> None:
    status = os.waitpid(forked(argv, folder), 0)[1]
    if status:
        said = (folder / "said.txt").read_text(encoding="utf-8")[-1500:]
        raise RuntimeError(f"{argv} ended with {status}: {said}")


def about(process: int) -> list[str]:
    """Return what /proc tells of a process from its state on; nothing of one that is gone."""
    try:
        text = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()


def running(process: int) -> bool:
    return about(process)[:1] not in ([], ["Z"])


def below(parent: int) -> list[int]:
    """Return the processes that a process has started, such as the workers of a benchmark."""
    numbers = [int(one.name) for one in Path("/proc").glob("[0-9]*")]
    return [one for one in numbers if running(one) and about(one)[1:2] == [str(parent)]]


def campaign(name: str, place: Path, kills: int) -> dict:
    """Return how often a scenario was killed, and what went wrong."""
    scenario, base = SCENARIOS[name], place / f"{name}-base"
    whole = ready(scenario, place / f"{name}-whole", base)
    begun = time.perf_counter()
    finish(scenario.command, whole)
    took = time.perf_counter() - begun
    writes = int((whole / "writes.txt").read_text(encoding="utf-8"))
    expected = content(whole)
    draw = random.Random(name)
    most = kills - kills // 3  # the others come at random moments, however many writes there are
    at = sorted(draw.sample(range(1, writes + 1), min(most, writes)))
    at += [0] * (kills - len(at))
    counts = {"scenario": name, "writes": writes, "kills": 0, "ended first": 0, "wrong": []}
    counts["at random moments"] = at.count(0)
    for number in at:
        folder = ready(scenario, place / f"{name}-killed", base)
        child = forked(scenario.command, folder, number)
        victim = child
        if not number:
            time.sleep(draw.uniform(0, took))
            victim = draw.choice([child, *below(child)])
            with contextlib.suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)
        workers = below(child)
        killed = os.waitpid(child, 0)[1] == signal.SIGKILL or victim != child
        deadline = time.monotonic() + 300
        while any(map(running, workers)):  # they end with the command, a moment later
            time.sleep(0.05)
            if time.monotonic() > deadline:
                counts["wrong"].append(f"killed at {number or 'random'}: workers live on")
                break
        counts["kills" if killed else "ended first"] += 1
        try:
            os.chdir(folder)
            finish(scenario.after() if scenario.after else scenario.command, folder)
            found = content(folder)
            if found != expected:
                names = [k for k in {*found, *expected} if found.get(k) != expected.get(k)]
                raise RuntimeError(f"different: {sorted(names)}")
        except RuntimeError as error:
            counts["wrong"].append(f"killed at {number or 'random'}: {error}")
    return counts


if __name__ == "__main__":
    torch.set_num_threads(1)
    load("MUTAG")
    commit()  # once, as the working tree may change meanwhile
    for warm in ("estimator", "report", "evaluate", "embed", "benchmark", "train"):
        __import__(f"graph_hcl.{warm}")
    from graph_hcl.benchmarking import spec, tables, trials, workers  # noqa: F401
    from graph_hcl.reporting import write  # noqa: F401

    for one in sys.argv[3:]:
        print(json.dumps(campaign(one, Path(sys.argv[1]).absolute(), int(sys.argv[2]))), flush=True)
