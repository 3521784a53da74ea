"""What the temperature benchmark measures of a trained model.

Its code is part of a trial's identity: a change of this file runs all trials again.
"""

import dataclasses

import torch

from benchmarks.science.held_out import HeldOut, split
from graph_hcl import geometry, probes
from graph_hcl.benchmarking.measurement import Measurement, ModelSnapshot
from graph_hcl.data.names import short_name

PROBES = ("knn", "class-mean", "svm")
SVM_FOLDS = {"COIL-DEL": 2, "NCI1": 4}
"""Of the ten folds, those that the SVM is measured on where it takes minutes."""
MANY_CLASSES = 50
"""From so many classes on it is five folds."""
TEMPERATURES = (1.0, 0.5, 0.25, 0.1, 0.05, 0.025)


class Transductive(Measurement):
    """The accuracy of each probe in each fold, after a training on all graphs."""

    def measure(self, snapshot):
        x = features(snapshot)
        experiment, seed = snapshot.experiment, snapshot.part.seed
        targets, scores = experiment.targets, {}
        for name in PROBES:
            plan = experiment.protocol.plan(targets, seed, selects=name == "svm")
            count = svm_folds(experiment) if name == "svm" else len(plan.folds)
            plan = dataclasses.replace(plan, folds=plan.folds[:count])
            found = experiment.protocol.evaluate_plan(
                plan, [x], targets, probe=name, seed=seed, jobs=experiment.probe.jobs
            )
            scores[name] = accuracies(found)
        return {"graphs": [len(x)], "scores": scores} | about(snapshot)


class OnHeldOut(HeldOut):
    """The accuracy of each probe on the held-out graphs."""

    def measure(self, snapshot):
        x = features(snapshot)
        seed, labels = snapshot.part.seed, snapshot.experiment.targets.values
        fold, scores = split(labels, seed), {}
        for name in PROBES:
            found = probes.inductive(
                lambda number, fold: x, labels, folds=[fold], probe=name, seed=seed, jobs=1
            )
            scores[name] = accuracies(found)
        sizes = [len(snapshot.part.train), len(fold.test)]
        return {"graphs": sizes, "scores": scores} | about(snapshot)


def features(snapshot: ModelSnapshot):
    """Return the embeddings [G, D] that the probes see."""
    return snapshot.experiment.trainer.embed(snapshot.model, snapshot.spec)


def svm_folds(experiment) -> int:
    """Return the number of folds that the SVM is measured on."""
    few = 5 if experiment.store.num_classes >= MANY_CLASSES else 10
    return SVM_FOLDS.get(short_name(experiment.config.dataset), few)


def accuracies(evaluation: probes.Evaluation) -> list[float]:
    """Return the accuracy in each fold."""
    return [round(fold.scores["accuracy"], 6) for fold in evaluation.folds]


def about(snapshot: ModelSnapshot) -> dict:
    """Return the matched temperature, and how many negatives count on the trained features.

    The match, the cosines and `pull`, the mean of σ(log n − s_p), are those of the last epoch's
    largest batch; the shares those of it, and of all training graphs without augmentation.
    """
    experiment = snapshot.experiment
    objective = experiment.trainer.new_objective()
    rows = torch.from_numpy(snapshot.part.train)
    z = experiment.trainer.embed(snapshot.model, snapshot.spec, projected=True)
    label = experiment.store.class_labels
    repelled = label if objective.tags.labels else torch.arange(len(z))
    own = float(objective.temperature)
    found = {
        "classes": experiment.store.num_classes,
        "share": shares(torch.from_numpy(z)[rows], repelled[rows], own),
    }
    if snapshot.batch is None:
        return found
    z, graph, label = snapshot.batch
    repelled = label if objective.tags.labels else graph
    found["batch_share"] = shares(z, repelled, own)
    found["match"] = match(objective, z, graph, label)
    return found | cosines(z, graph, repelled) | {"pull": pull(objective, z, graph, label)}


def match(objective, z: torch.Tensor, graph: torch.Tensor, label: torch.Tensor) -> dict | None:
    """Return the matched temperature and its cosine; None for features without a gradient."""
    if objective.hardening is None:
        return {"temperature": float(objective.temperature), "cosine": 1.0}
    try:
        found = geometry.match_temperature(objective, z, graph, label)
    except ValueError:  # all features alike
        return None
    return {"temperature": digits(found.temperature), "cosine": digits(found.cosine, 6)}


def shares(z: torch.Tensor, graph: torch.Tensor, own: float) -> dict[str, float]:
    """Return Kish's effective share of the negatives at several temperatures, and at one's own."""
    return {
        f"{temperature:g}": digits(geometry.effective_share(z, graph, temperature))
        for temperature in sorted({*TEMPERATURES, own}, reverse=True)
    }


def cosines(z: torch.Tensor, graph: torch.Tensor, repelled: torch.Tensor) -> dict:
    """Return mean and standard deviation of the cosines of views and of negatives."""
    cosine = z.float() @ z.float().t()
    other = ~torch.eye(len(z), dtype=torch.bool)
    views = cosine[(graph[:, None] == graph) & other]
    negatives = cosine[repelled[:, None] != repelled]
    return {
        name: [digits(float(values.mean())), digits(float(values.std()))]
        for name, values in (("view_cosine", views), ("negative_cosine", negatives))
    }


@torch.no_grad()
def pull(objective, z: torch.Tensor, graph: torch.Tensor, label: torch.Tensor) -> float:
    """Return the mean over anchors of 1 − e^{−ℓ}, which is σ(log n − s_p) with one positive."""
    objective.settings = dataclasses.replace(objective.settings, reduction="none")
    losses = objective(z, graph=graph, label=label if objective.tags.labels else None)
    return digits(float(-torch.expm1(-losses).mean()))


def digits(value: float, number: int = 4) -> float:
    """Return a value with so many digits.

    >>> digits(0.123456)
    0.1235
    """
    return float(f"{value:.{number}g}")
