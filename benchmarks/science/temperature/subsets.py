"""COIL-DEL with fewer classes, so that their number alone changes."""

import numpy as np
import torch

from graph_hcl.data import GraphStore, load

SEED = 0


def chosen_classes(classes: int, of: int = 100) -> list[int]:
    """Return the classes of a subset: the first of a fixed shuffle, so that subsets are nested.

    >>> chosen_classes(5), chosen_classes(10)[:5]
    ([82, 36, 20, 5, 93], [82, 36, 20, 5, 93])
    """
    return np.random.default_rng(SEED).permutation(of)[:classes].tolist()


def coil_del(classes: int) -> GraphStore:
    """Return the graphs of some classes of COIL-DEL, in their order."""
    store = load("COIL-DEL")
    numbers = store.class_labels.unique(return_inverse=True)[1]
    return store[torch.isin(numbers, torch.tensor(chosen_classes(classes)))]
