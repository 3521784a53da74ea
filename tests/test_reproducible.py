"""The same bits on any number of threads, where they are asked for."""

import json
import os
import subprocess
import sys
import threading

import pytest
import torch
from threadpoolctl import threadpool_info

from graph_hcl.errors import UserError
from graph_hcl.reproducible import deterministic, in_turn, threads

SCRIPT = """
import hashlib, sys, warnings
import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from graph_hcl import GraphContrast
from graph_hcl.data import load
from graph_hcl.reproducible import deterministic

warnings.simplefilter("ignore")
flag = sys.argv[1] == "deterministic"
torch.set_num_threads(int(sys.argv[2]))
def digest(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:12]
for backbone, readout, name in (("gin", "sum", "h-ucl"), ("gcn", "mean", "h-scl")):
    graphs = load("digits")[:400]
    model = GraphContrast(
        name, epochs=1, hidden=64, backbone=backbone, readout=readout, random_state=0, device="cpu",
        settings={"deterministic": flag},
    )
    print(digest(model.fit_transform(graphs, graphs.y if name == "h-scl" else None)))
"""


def bits(flag: str, count: int) -> str:
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, flag, str(count)],
        env=os.environ | dict.fromkeys(names, str(count)),
        capture_output=True, encoding="utf-8", check=True,
    )  # fmt: skip
    return done.stdout


@pytest.mark.slow
def test_trainings_have_the_same_bits_on_any_number_of_threads() -> None:
    one, two, four = (bits("deterministic", count) for count in (1, 2, 4))
    assert len(one.split()) == 2
    assert one == two == four
    assert bits("free", 4) != one  # or the test could not fail


@pytest.mark.slow
def test_a_run_has_the_same_scores_on_any_number_of_threads(tmp_path) -> None:
    words = ["--dataset", "MUTAG", "--epochs", "2", "--hidden", "64", "--objective", "h-scl"]
    words += ["--probe.folds", "3", "--deterministic", "--probe.jobs", "2"]
    found = []
    for count in (1, 2, 4):
        out = tmp_path / str(count)
        command = [sys.executable, "-m", "graph_hcl.train", *words, "--out", str(out)]
        names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
        environ = os.environ | dict.fromkeys(names, str(count))
        subprocess.run(command, env=environ, check=True, capture_output=True)
        results = json.loads((out / "results.json").read_text(encoding="utf-8"))
        lines = (out / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
        losses = [json.loads(line)["loss"] for line in lines]
        manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
        assert manifest["environment"]["threads"] == 1
        found.append((losses, sorted(_folds(results))))
    assert found[0] == found[1] == found[2]


def _folds(value):
    """Yield the decision values and predictions in results, as text."""
    if isinstance(value, dict):
        for name, item in value.items():
            if name in ("decision", "predictions", "scores"):
                yield json.dumps(item)
            else:
                yield from _folds(item)
    elif isinstance(value, list):
        for item in value:
            yield from _folds(item)


def test_threads_are_pinned_inside_the_block_alone() -> None:
    before = torch.get_num_threads(), [pool["num_threads"] for pool in threadpool_info()]
    with threads(2):
        assert torch.get_num_threads() == 2
        assert {pool["num_threads"] for pool in threadpool_info()} == {2}
    assert before == (torch.get_num_threads(), [p["num_threads"] for p in threadpool_info()])
    with pytest.raises(KeyError), threads(2):
        raise KeyError
    assert torch.get_num_threads() == before[0]


def test_an_operation_without_a_deterministic_way_is_one_sentence() -> None:
    with pytest.raises(UserError) as told, deterministic():
        torch.zeros(4).put_(torch.tensor([0]), torch.ones(1), accumulate=False)
    assert str(told.value) == (
        "Expected operations that are deterministic on this device, but put_ does not have a "
        "deterministic implementation: compute on the CPU with --device cpu, or leave out "
        "--deterministic."
    )
    assert not torch.are_deterministic_algorithms_enabled()
    with pytest.raises(RuntimeError, match="another"), deterministic():
        raise RuntimeError("another")
    with deterministic(False):
        assert not torch.are_deterministic_algorithms_enabled()


def test_products_before_the_deterministic_mode_are_one_sentence() -> None:
    said = (
        "Deterministic behavior was enabled with either `torch.use_deterministic_algorithms(True)` "
        "or `at::Context::setDeterministicAlgorithms(true)`, but this operation is not "
        "deterministic because it uses CuBLAS and you have CUDA >= 10.2. To enable deterministic "
        "behavior in this case, you must set an environment variable before running your PyTorch "
        "application: CUBLAS_WORKSPACE_CONFIG=:4096:8 or CUBLAS_WORKSPACE_CONFIG=:16:8."
    )
    with pytest.raises(UserError) as told, deterministic():
        raise RuntimeError(said)
    assert str(told.value) == (
        "Expected CUBLAS_WORKSPACE_CONFIG to be set before the first product of matrices on the "
        "GPU, but it was not: set CUBLAS_WORKSPACE_CONFIG=:4096:8 before Python starts."
    )
    assert not torch.are_deterministic_algorithms_enabled()


def test_the_last_of_several_blocks_restores_what_the_first_found() -> None:
    first, second = deterministic(), deterministic()
    first.__enter__(), second.__enter__()
    first.__exit__(None, None, None)
    assert torch.are_deterministic_algorithms_enabled()
    second.__exit__(None, None, None)
    assert not torch.are_deterministic_algorithms_enabled()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
def test_a_process_that_is_forked_inside_a_turn_gets_its_own() -> None:
    holds, done = threading.Event(), threading.Event()

    def hold() -> None:
        with in_turn():
            holds.set(), done.wait()

    thread = threading.Thread(target=hold)
    thread.start(), holds.wait()
    child = os.fork()
    if not child:
        with in_turn():
            os._exit(3)
    done.set(), thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
