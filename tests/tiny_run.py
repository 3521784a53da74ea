"""A small finished run, for tests that look at the files of one."""

import warnings
from pathlib import Path

from graph_hcl.__main__ import main

TINY = ("--dataset", "MUTAG", "--hidden", "4", "--layers", "1", "--beta", "0.5")
QUICK = (*TINY, "--probe", "class-mean", "--probe.folds", "2")
"""Settings of a training and an evaluation that take a fraction of a second."""


def train_tiny(folder: Path, *more: str) -> Path:
    """Train into a folder, with further flags such as `--epochs 2`; return the folder."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert main(["train", *QUICK, *more, "--out", str(folder)]) == 0
    return folder
