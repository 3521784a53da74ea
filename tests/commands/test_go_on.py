"""Runs that go on from another, bound their batches, and read out by import path, as typed."""

import numpy as np
import pytest

from graph_hcl.__main__ import main
from graph_hcl.run import Run

QUICK = ["--epochs", "2", "--probe.folds", "2", "--layers", "2"]


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRAPH_HCL_DATA", str(tmp_path / "data"))


def test_the_row_before_training_is_not_called_untrained(capsys) -> None:
    assert main(["train", "--dataset", "MUTAG", "--out", "a", *QUICK]) == 0
    assert "| untrained " in capsys.readouterr().out
    words = ["--dataset", "MUTAG", "--init-from", "a", "--probe", "class-mean"]
    assert main(["train", *words, "--out", "b", *QUICK]) == 0
    shown = capsys.readouterr().out
    assert "| before (a) " in shown
    assert "untrained" not in shown


def test_a_run_goes_on_and_its_folder_is_needed_no_more(tmp_path) -> None:
    assert main(["train", "--dataset", "MUTAG", "--out", "a", "--seed", "1", *QUICK]) == 0
    assert main(["embed", "a", "--out", "a.npz"]) == 0
    assert main(["train", "--dataset", "MUTAG", "--init-from", "a", "--out", "b", *QUICK]) == 0
    assert Run.open("b").config.init_from == str(tmp_path / "a")
    (tmp_path / "a").rename(tmp_path / "moved")
    assert main(["embed", "b", "--out", "b.npz"]) == 0
    a, b = (np.load(f"{name}.npz")["embeddings"] for name in "ab")
    assert a.shape == b.shape
    assert not np.allclose(a, b)


def test_an_encoder_of_another_width_leaves_no_folder(tmp_path, capsys) -> None:
    assert main(["train", "--dataset", "MUTAG", "--out", "a", "--hidden", "8", *QUICK]) == 0
    capsys.readouterr()
    assert (
        main(
            [
                "train",
                "--dataset",
                "MUTAG",
                "--init-from",
                "a",
                "--out",
                "b",
                *QUICK,
                "--hidden",
                "9",
            ]
        )
        == 2
    )
    told = capsys.readouterr().err
    assert "got --hidden 9 where it has 8: give --hidden 8." in told
    assert "Traceback" not in told
    assert not (tmp_path / "b").exists()


def test_a_bound_on_nodes_is_kept_by_train_and_embed(capsys) -> None:
    with pytest.warns(UserWarning, match="3 have more than --max-nodes 27 nodes, up to 28"):
        assert main(["train", "--dataset", "MUTAG", "--out", "a", "--max-nodes", "27", *QUICK]) == 0
    assert Run.open("a").config.max_nodes == 27
    for name, bound in (("own", []), ("one", ["--max-nodes", "1"]), ("all", ["--max-nodes", "99"])):
        assert main(["embed", "a", "--out", f"{name}.npz", *bound]) == 0
    own, one, every = (np.load(f"{name}.npz")["embeddings"] for name in ("own", "one", "all"))
    np.testing.assert_allclose(own, one, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(own, every, rtol=1e-5, atol=1e-5)
    assert main(["train", "--dataset", "MUTAG", "--max-nodes", "0"]) == 2
    assert "Expected --max-nodes to be 1 or more, but got 0." in capsys.readouterr().err


def test_a_readout_by_name_in_any_case_or_by_import_path(capsys) -> None:
    paths = ("MEAN", "torch_geometric.nn:MeanAggregation", "torch_geometric.nn:global_mean_pool")
    for number, path in enumerate(paths):
        assert (
            main(["train", "--dataset", "MUTAG", "--out", f"r{number}", "--readout", path, *QUICK])
            == 0
        )
        assert main(["embed", f"r{number}", "--out", f"{number}.npz", "--trust-code"]) == 0
    one, two, three = (np.load(f"{number}.npz")["embeddings"] for number in range(3))
    np.testing.assert_allclose(one, two, rtol=1e-3, atol=1e-3)
    np.testing.assert_array_equal(one, three)
    assert Run.open("r0").config.readout == "mean"
    capsys.readouterr()
    assert main(["train", "--dataset", "MUTAG", "--readout", "maen", *QUICK]) == 2
    told = capsys.readouterr().err
    assert "Unknown readout 'maen'" in told
    assert "Did you mean mean" in told


def test_another_part_than_the_first_is_named_by_its_file(capsys) -> None:
    words = ["train", "--dataset", "MUTAG", "--probe", "class-mean", *QUICK]
    assert main([*words, "--repeats", "2", "--out", "a"]) == 0
    assert main(["embed", "a", "--part", "seed1", "--out", "a.npz"]) == 0
    capsys.readouterr()
    file = "a/checkpoint/seed1.safetensors"
    assert main([*words, "--init-from", file, "--out", "b"]) == 0
    shown = capsys.readouterr()
    assert "| before (a/seed1) " in shown.out
    assert "trained parts" not in shown.err
    assert main(["train", "--resume", "b", "--epochs", "3"]) == 0
    with pytest.warns(UserWarning, match="2 trained parts; the weights are those of seed0"):
        assert main([*words, "--init-from", "a", "--out", "c"]) == 0
    assert main([*words, "--init-from", "a/seed1", "--out", "d"]) == 2
