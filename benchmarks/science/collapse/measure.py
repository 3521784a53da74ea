"""What the collapse benchmark measures of a model: collapse metrics, or losses and orderings."""

import numpy as np
import torch

from benchmarks.science.collapse.grid import HARDENINGS
from benchmarks.science.collapse.orderings import anchors_in_order
from benchmarks.science.held_out import HeldOut, split
from graph_hcl import geometry, probes
from graph_hcl.benchmarking.measurement import ModelSnapshot
from graph_hcl.training import diagnose


class Described(HeldOut):
    """A training on 80 % of the graphs, with what is said of it beside the metrics."""

    def describe(self, given: ModelSnapshot) -> tuple[dict, torch.Tensor]:
        """Return the number of classes and graphs, and the held-out graphs."""
        fold = split(given.experiment.targets.values, given.part.seed)
        about = {
            "classes": len(np.unique(given.experiment.targets.values)),
            "graphs": [len(given.part.train), len(fold.test)],
        }
        return about, torch.from_numpy(fold.test)


class CollapseMetrics(Described):
    """Metrics of the projected features of the training graphs and of the held-out ones."""

    def measure(self, snapshot):
        about, held_out = self.describe(snapshot)
        experiment, train = snapshot.experiment, torch.from_numpy(snapshot.part.train)
        features = experiment.trainer.embed(snapshot.model, snapshot.spec, projected=True)
        z, label = torch.from_numpy(features), experiment.store.y
        objective = experiment.trainer.new_objective()
        fitted = z[train].float(), label[train]
        return about | {
            "train": collapse_metrics(*fitted, objective),
            "held_out": collapse_metrics(z[held_out].float(), label[held_out], objective, fitted),
        }


class OrderingMetrics(Described):
    """The four losses under each hardening on held-out graphs; accuracy at the first and last."""

    def measure(self, snapshot):
        about, held_out = self.describe(snapshot)
        found = about | {"by_hardening": ordering_metrics(snapshot, held_out)}
        if snapshot.epoch == 0 or snapshot.final:
            found["accuracy"] = probe_accuracy(snapshot)
        return found


def collapse_metrics(z, label, objective, fitted=None) -> dict:
    """Return metrics of the features of some graphs, and the spectrum of their class means."""
    found = diagnose(z, torch.arange(len(z)), label, objective)
    spectrum = geometry.class_mean_spectrum(z, label)
    if fitted is not None:
        found["class_mean_accuracy"] = float(geometry.nearest_class_mean(z, label, fitted))
    found["live_dimensions"] = geometry.live_dimensions(spectrum)
    found["mean_rank"] = float(geometry.effective_rank(spectrum))
    return rounded(found) | {"spectrum": [float(f"{v:.3g}") for v in spectrum.tolist()]}


def ordering_metrics(snapshot: ModelSnapshot, indices) -> dict:
    """Return the four losses and Assumption 1's fraction for each hardening, on two views."""
    experiment, model = snapshot.experiment, snapshot.model
    store = snapshot.spec.prepare(experiment.store)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        parts = [
            torch.cat([view.features(model.eval()) for view in drawn])
            for drawn in experiment.trainer.sampler(store, indices.split(512), generator)
        ]
    # Each part holds all first views, then all second ones.
    graph = torch.cat([part.repeat(2) for part in indices.split(512)])
    z, label = torch.cat(parts).double(), experiment.store.y[graph]
    found = {}
    for name, eta in HARDENINGS.items():
        temperature = experiment.config.temperature
        seen = geometry.negative_statistics(z, graph, label, temperature=temperature, hardening=eta)
        mass = {"same_class_mass": float(seen.same_class_mass().mean())}
        found[name] = rounded(seen.losses() | mass | anchors_in_order(seen))
    return found


def probe_accuracy(snapshot: ModelSnapshot) -> float:
    """Return the held-out accuracy of the SVM probe on the encoder's embeddings."""
    experiment, seed = snapshot.experiment, snapshot.part.seed
    x = experiment.trainer.embed(snapshot.model, snapshot.spec)
    labels = experiment.targets.values
    folds = [split(labels, seed)]
    return probes.inductive(lambda number, fold: x, labels, folds=folds, seed=seed, jobs=1).mean


def rounded(values: dict) -> dict:
    return {name: float(f"{value:.6g}") for name, value in values.items()}
