"""The command for GPUs, tried on the CPU, and the section that is made of what it writes."""

import dataclasses
import json
import os
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest
import torch

from benchmarks import gpu
from benchmarks.device import apart, checks, loss_speed, machine, peers, steps, training_speed
from benchmarks.device.graphs import SHAPES, describe, generate, graphs_of
from benchmarks.device.machine import ENDED, NO_TIME, Machine
from benchmarks.device.waits import count_waits
from benchmarks.pages import gpu as page
from benchmarks.pages import numbers, performance
from graph_hcl.losses import HUCL, NTXent

CPU = torch.device("cpu")
ROOT = Path(__file__).parents[2]


def test_without_cuda_it_says_so_in_one_sentence(monkeypatch, capsys, tmp_path) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert gpu.main(["--out", str(tmp_path / "x")]) == 2
    said = capsys.readouterr().err.strip()
    assert said.startswith("error: Expected a CUDA device, but PyTorch")
    assert said.endswith(".")
    assert "\n" not in said
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("name", ["mps", "cudda", "meta"])
def test_another_device_is_refused(name, capsys, tmp_path) -> None:
    assert gpu.main(["--out", str(tmp_path), "--device", name]) == 2
    assert f"Expected --device cuda or cpu, but got '{name}'." in capsys.readouterr().err


def test_it_runs_as_a_file_from_anywhere(tmp_path) -> None:
    call = [sys.executable, str(ROOT / "benchmarks" / "gpu.py"), "--help"]
    done = subprocess.run(
        call, capture_output=True, encoding="utf-8", cwd=tmp_path, env={"PATH": ""}
    )
    assert done.returncode == 0, done.stderr
    assert "--mirror" in done.stdout


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_what_it_writes_makes_a_section_of_the_page(monkeypatch, tmp_path, capsys) -> None:
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)  # which takes seconds for each loss
    chosen = ["losses", "further losses", "waits of training", "epochs", "CUDA graphs", "views"]
    chosen.append("embedding")
    words = ["--out", str(tmp_path), "--device", "cpu", "--quick", "--only", *chosen]
    assert gpu.main(words) == 0, capsys.readouterr()
    known = json.loads((tmp_path / "gpu.json").read_text(encoding="utf-8"))
    assert list(known["steps"]) == [s.name for s in steps.STEPS if s.name in chosen]
    cells = known["steps"]["losses"]["found"]["by kind"]["float32"]
    assert cells["h-ucl, auto"]["256"]["ms"] > 0
    assert set(cells) >= {*peers.LOSSES, "h-scl, tiled", "ucl, dense"}
    epochs = known["steps"]["epochs"]["found"]["PROTEINS"]
    assert len(epochs["each epoch"]) == 3
    assert known["steps"]["epochs"]["first calls"] >= epochs["each epoch"][0]
    assert set(epochs["stages"]) == {"views", "encoder", "loss", "backward", "optimizer"}
    recorded = known["steps"]["CUDA graphs"]["found"]
    assert recorded == {"MUTAG": {"missing": "CUDA graphs need a CUDA device"}}
    waits = known["steps"]["waits of training"]["found"]
    assert waits["steps"] == 2
    assert all(place.startswith("graph_hcl/") for place in waits["where"])
    known["device"]["name"] = "Made-up 9000"
    known["steps"]["probes"] = {"failed": "ValueError: no"}
    folder = tmp_path / "gpu"
    folder.mkdir()
    (folder / "made-up.json").write_text(json.dumps(known), encoding="utf-8")
    text = page.section(page.read(folder))
    assert "**Made-up 9000** (PyTorch" in text
    assert "| 256 | float32 |" in text
    assert "| PROTEINS" in text
    assert "since it failed: probes" in text
    assert page.NOTHING not in text


def test_a_section_is_made_of_what_was_cut(monkeypatch) -> None:
    row = {"graphs": {"source": "read"}, "each epoch": [1.0, 1.0], "stages": {"missing": ENDED}}
    cells = {"h-ucl, auto": {"256": {"missing": ENDED}}, "HCL restated, dense": {}}
    found = {
        "epochs": {"NCI1": row, "COLLAB": {"missing": NO_TIME}},
        "losses": {"width": 128, "counted": "all", "by kind": {"float32": cells}},
        "large step": {"graphs": 9, "nodes": 9, "steps": {"ours": {"missing": ENDED}}},
        "tests": {"checks": {"store": "right"}},
    }
    cut = {name: {"failed": "it took too long", "found": each} for name, each in found.items()}
    text = page.section([{"device": {"name": "Made-up"} | machine.versions(), "steps": cut}])
    assert "since it failed: epochs, losses, large step, tests." in text
    assert f"ours {ENDED}" in text


def test_a_device_that_was_measured_makes_the_page_stale(monkeypatch) -> None:
    made = {"device": {"name": "Made-up", "torch": "2.13"}, "steps": {}}
    monkeypatch.setattr(page, "read", lambda: [*[made]])
    monkeypatch.setattr(sys, "argv", ["performance", "--check"])
    assert performance.main() == 1


def test_without_results_the_page_says_so(tmp_path) -> None:
    assert page.section(page.read(tmp_path / "none")) == page.NOTHING


def test_a_run_without_time_says_so(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(steps, "WHOLE", 0.0)
    known = steps.run_all(Machine(CPU), tmp_path, tell=lambda line: None)
    assert {step["failed"] for step in known["steps"].values()} == {NO_TIME}
    assert len(known["steps"]) == len(steps.STEPS)
    assert known["device"]["torch"]


def test_all_steps_fit_into_the_time_that_is_stated() -> None:
    assert sum(step.seconds for step in steps.STEPS) <= steps.WHOLE - 15
    assert sum(step.quick for step in steps.STEPS) <= steps.WHOLE_QUICK - 5
    assert steps.WHOLE + 3 * apart.SLACK < 480
    assert steps.WHOLE_QUICK + 3 * apart.SLACK < 180


def test_the_deterministic_mode_is_prepared_before_torch_multiplies(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", "")  # so that it is restored
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG")
    monkeypatch.setattr(gpu, "run_all", lambda *given, **named: {"steps": {}})
    assert gpu.main(["--out", str(tmp_path), "--device", "cpu"]) == 0
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"


def test_a_device_that_is_not_there_is_refused(monkeypatch, capsys, tmp_path) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert gpu.main(["--out", str(tmp_path), "--device", "cuda:2"]) == 2
    assert "Expected --device cuda:0 to cuda:1, but got 'cuda:2'." in capsys.readouterr().err


def test_the_checks_are_counted_and_the_bad_ones_named(monkeypatch) -> None:
    def wrong(device):
        raise AssertionError("off by one")

    def skipped(device):
        raise checks.Skipped("no memory")

    monkeypatch.setattr(checks, "CHECKS", {"a": lambda device: None, "b": wrong, "c": skipped})
    monkeypatch.setattr(checks, "ON_HARDWARE", {"d": lambda device: None})
    found = steps.tests(Machine(CPU))
    assert sorted(found["summary"].split(", ")) == ["1 skipped", "1 wrong", "2 right"]
    assert found["others"] == {"b": "wrong: AssertionError: off by one", "c": "skipped: no memory"}
    late = Machine(CPU)
    late.start(-1.0)
    assert steps.tests(late)["summary"] == f"4 {NO_TIME}"


def test_the_goal_of_a_size_is_measured_before_what_matters_less() -> None:
    assert loss_speed.ROWS.index(65536) == 2
    assert set(loss_speed.ROWS) == {256, 1024, 4096, 16384, 65536, 262144}


def test_a_table_that_goes_on_leaves_out_what_ended_its_process(monkeypatch) -> None:
    rates = {"matrix products TFLOP/s": dict.fromkeys(loss_speed.KINDS, 1.0)}
    monkeypatch.setattr(loss_speed, "limits", lambda on: rates)
    monkeypatch.setattr(loss_speed, "ON_CPU", (8, 16))
    monkeypatch.setattr(Machine, "milliseconds", lambda self, call, budget: 1.0)
    on = Machine(CPU, quick=True)
    on.start(
        100.0, {"by kind": {"float32": {"h-ucl, auto": {8: {"missing": ENDED}}}, "bfloat16": {}}}
    )
    cells = loss_speed.table(on)["by kind"]["float32"]
    assert cells["h-ucl, auto"][8] == {"missing": ENDED}
    assert cells["h-ucl, auto"][16] == {"missing": "8 rows ended its process"}
    assert cells["h-scl, auto"][16]["ms"] > 0
    assert cells["h-scl, auto"][16]["first s"] > 0


def test_loaders_that_die_leave_the_rest_of_a_row_of_epochs(monkeypatch) -> None:
    def epochs(graphs, on, count, workers):
        if workers:
            raise RuntimeError("DataLoader worker (pid 1) is killed by signal: Bus error.")
        return [2.0] * count

    monkeypatch.setattr(training_speed, "NAMES", ("MUTAG",))
    monkeypatch.setattr(training_speed, "stages", lambda on, store: {"views": 1.0})
    monkeypatch.setattr(peers, "epochs", epochs)
    row = training_speed.epochs(Machine(CPU))["MUTAG"]
    assert row["pyg seconds by workers"] == {0: 2.0}
    assert "Bus error" in row["each of pyg by workers"][4]["missing"]
    assert row["times faster"] == pytest.approx(2.0 / row["seconds"])


@pytest.mark.skipif(
    not hasattr(torch.backends.cuda.matmul, "fp32_precision"), reason="torch has the old switch"
)
def test_tf32_is_restored_whichever_switch_was_used() -> None:
    script = """
import torch
from benchmarks.device.machine import tf32
torch.backends.fp32_precision = "tf32"
with tf32(False):
    assert torch.backends.cuda.matmul.fp32_precision == "ieee"
assert torch.backends.cuda.matmul.fp32_precision == "tf32"
"""
    subprocess.run([sys.executable, "-c", script], check=True, cwd=ROOT)


def test_nothing_is_measured_when_no_time_is_left() -> None:
    on = Machine(CPU)
    on.start(-1.0)
    assert on.measure(lambda: None) == {"missing": "no time was left"}
    on.start(5.0)
    assert on.measure(lambda: 1 / 0)["missing"].startswith("ZeroDivisionError")
    assert on.measure(lambda: None)["ms"] >= 0


def test_a_slow_call_is_not_repeated_when_no_time_is_left() -> None:
    on, calls = Machine(CPU), []

    def slow():
        calls.append(time.sleep(0.1))

    on.start(0.05)
    found = on.measure(slow, 0.01)
    assert (found["missing"], len(calls)) == (NO_TIME, 1)
    on.start(0.15)
    assert on.measure(slow, 0.01)["ms"] >= 100
    assert len(calls) == 3


def test_what_does_not_fit_is_named() -> None:
    def full():
        raise torch.OutOfMemoryError("no")

    on = Machine(CPU)
    on.start(5.0)
    assert on.measure(full) == {"missing": "does not fit into the memory"}


class FakeEvent:
    """An event of CUDA that takes three milliseconds to the next."""

    def __init__(self, enable_timing: bool) -> None:
        assert enable_timing

    def record(self) -> None:
        pass

    def elapsed_time(self, other: "FakeEvent") -> float:
        return 3.0


def test_time_and_memory_on_cuda_come_from_cuda(monkeypatch) -> None:
    cuda = torch.device("cuda")
    waited = []
    monkeypatch.setattr(torch.cuda, "synchronize", waited.append)
    monkeypatch.setattr(torch.cuda, "Event", FakeEvent)
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda device: None)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 2**20)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: 6 * 2**20)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: waited.append("emptied"))
    on = Machine(cuda)
    found = on.measure(lambda: None)
    assert (found["ms"], found["MiB"]) == (3.0, 5.0)
    assert found["first s"] == on.first_calls
    assert set(waited) == {cuda}
    assert "missing" in on.measure(lambda: 1 / 0)
    assert waited[-1] == "emptied"


def test_waits_that_cuda_tells_of_are_counted_by_place(monkeypatch) -> None:
    modes = []
    monkeypatch.setattr(torch.cuda, "get_sync_debug_mode", lambda: 0)
    monkeypatch.setattr(torch.cuda, "set_sync_debug_mode", modes.append)

    def make(device):
        warnings.warn("called a synchronizing CUDA operation", stacklevel=1)  # while it is made

        def call():
            for _ in range(2):
                warnings.warn("called a synchronizing CUDA operation", stacklevel=1)
            warnings.warn("something else", stacklevel=1)

        return call

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = count_waits(torch.device("cuda"), make)
    assert found.total() == 2
    assert [place.partition(":")[0] for place in found] == ["tests/benchmarks/test_gpu.py"]
    assert modes == ["warn", 0]


@pytest.mark.parametrize("name", ["MUTAG", "PROTEINS", "NCI1", "REDDIT-BINARY", "COLLAB"])
def test_generated_graphs_have_the_shape_of_the_set(name) -> None:
    shape = SHAPES[name]
    store = generate(shape, graphs=100)
    assert len(store) == 100
    assert store.is_sorted_undirected
    source, target = store.edge_index + store._shift()
    assert not bool((source == target).any())
    assert len(torch.stack([source, target]).unique(dim=1)[0]) == len(source)
    known = {"MUTAG": 17.9, "PROTEINS": 39.1, "NCI1": 29.9, "REDDIT-BINARY": 429.6, "COLLAB": 74.5}
    edges = {"MUTAG": 19.8, "PROTEINS": 72.8, "NCI1": 32.3, "REDDIT-BINARY": 497.8, "COLLAB": 2457}
    found = describe(store)
    assert found["nodes per graph"] == pytest.approx(known[name], rel=0.4)
    assert found["edges per graph"] == pytest.approx(edges[name], rel=0.5)
    again = generate(shape, graphs=100)
    assert torch.equal(store.edge_index, again.edge_index)


def test_more_graphs_than_are_drawn_repeat() -> None:
    shape = dataclasses.replace(SHAPES["MUTAG"], graphs=501)
    store = generate(shape)
    assert len(store) == 501
    assert torch.equal(store[0].edge_index, store[500].edge_index)


def test_graphs_are_generated_where_there_is_no_mirror(monkeypatch, tmp_path) -> None:
    monkeypatch.delenv("GRAPH_HCL_TU_MIRROR", raising=False)
    monkeypatch.setenv("GRAPH_HCL_DATA", str(tmp_path))
    store, origin = graphs_of("NCI1", None, quick=True)
    assert (len(store), origin) == (400, "generated")
    store, origin = graphs_of("NCI1", str(tmp_path / "nowhere"), quick=True)
    assert (len(store), origin) == (400, "generated, as reading raised UserError")


def test_the_peers_compute_the_same_losses() -> None:
    z, graph, _ = loss_speed.rows(64, torch.float32, CPU)
    ours = HUCL(beta=1.0, temperature=0.5)(z, graph=graph)
    for peer in (peers.hcl, peers.log_space):
        assert float(peer(z)) == pytest.approx(float(ours), rel=1e-5)
    expected = NTXent(temperature=0.5)(z, graph=graph)
    assert float(peers.infonce(z)) == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize("module", [numbers, page, steps, machine, loss_speed, training_speed])
def test_the_examples_in_the_docstrings_are_right(module) -> None:
    import doctest

    found = doctest.testmod(module)
    assert found.attempted
    assert not found.failed
