"""Training on 80 % of the graphs: what the science benchmarks measure on the rest."""

import numpy as np

from graph_hcl import probes
from graph_hcl.benchmarking.measurement import Measurement


def split(labels, seed: int) -> probes.Fold:
    """Return a stratified split: 80 % to train on (a part of it to select C), 20 % held out.

    >>> fold = split([0, 1] * 50, seed=0)
    >>> len(fold.train), len(fold.validation), len(fold.test)
    (72, 8, 20)
    """
    return probes.stratified_folds(labels, folds=5, seed=seed, validation=0.1)[0]


class HeldOut(Measurement):
    """Train one model on 80 % of the graphs."""

    def parts(self, experiment, seed):
        fold = split(experiment.targets.values, seed)
        trained = np.sort(np.concatenate([fold.train, fold.validation]))
        return [probes.Part("train", seed, None, trained)]
