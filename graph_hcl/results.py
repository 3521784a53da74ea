"""What a run found, as results.json and as the printed table."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Sequence
from typing import Any

from graph_hcl.experiment import Comparison, Experiment
from graph_hcl.probes import Evaluation, summarize
from graph_hcl.training import RunFolder

PACKAGES = ("graph_hcl", "torch", "torch-geometric", "scikit-learn", "numpy")


def describe(
    experiment: Experiment, found: Comparison, command: Sequence[str], trained_on: set[str]
) -> dict[str, Any]:
    """Return the record of one probe for `results.json`: per seed and fold, and what made it.

    `trained_on` names the data of the trained models: it is the data of the evaluation, unless the
    user allowed that it changed.
    """
    config = experiment.config
    return {
        "dataset": config.dataset,
        "data_sha256": experiment.spec.data_sha256,
        "trained_on_sha256": sorted(trained_on),
        "objective": config.objective,
        "protocol": config.protocol,
        "probe": config.probe.name,
        "command": list(command),
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES}
        | {"python": platform.python_version()},
        "train_seconds": found.train_seconds,
        "evaluate_seconds": found.evaluate_seconds,
        "majority_accuracy": found.majority,
        "trained": _encoder(found.trained),
        "untrained": _encoder(found.untrained),
    }


def _encoder(evaluations: Sequence[Evaluation]) -> dict[str, Any]:
    """Return the scores of one encoder over all seeds, summed up and fold by fold."""
    seeds = []
    for evaluation in evaluations:
        scores = [
            {"fold": fold.fold}
            | fold.scores
            | {"C": fold.params.get("C"), "validation_accuracy": fold.validation_score}
            | {"train": fold.train, "validation": fold.validation, "test": len(fold.test)}
            | {"predictions": fold.predictions, "labels": fold.labels}
            for fold in evaluation.folds
        ]
        seeds.append({"seed": evaluation.seeds[0], "scores": scores})
    return {"settings": evaluations[0].settings} | summarize(evaluations) | {"seeds": seeds}


def conclude(folder: RunFolder, experiment: Experiment, command: Sequence[str]) -> str:
    """Run an experiment to its end, write `results.json`, return the table and the folder's name.

    `results.json` holds one record per probe, under the probe's name. Without labels there is
    nothing to measure: the encoder is trained, and that is all.
    """
    if not experiment.labelled:
        experiment.train_all(folder)
        return (
            f"{experiment.config.dataset} has no labels, so nothing was measured: "
            f"graph_hcl.embed {folder.path} writes the embeddings.\n\nrun folder: {folder.path}"
        )
    comparison = experiment.run(folder)
    trained_on = {experiment.checkpoint(folder, part)[1].data_sha256 for part in experiment.parts()}
    record = describe(experiment, comparison, command, trained_on)
    folder.write_results(folder.results() | {record["probe"]: record})
    return f"{table(record)}\n\nrun folder: {folder.path}"


def table(record: dict[str, Any]) -> str:
    """Return the table of a record of `results.json`, as Markdown that also reads as text.

    >>> score = {"accuracy": {"mean": 0.9, "std_folds": 0.05},
    ...          "macro_f1": {"mean": 0.8, "std_folds": 0.1}}
    >>> print(table({"dataset": "MUTAG", "objective": "ucl", "protocol": "transductive",
    ...     "probe": "svm", "train_seconds": 1.5, "evaluate_seconds": 2.0, "trained": score,
    ...     "untrained": score, "majority_accuracy": 0.665}))
    | data set | encoder        | protocol     | probe | accuracy %   | macro-F1 %    |
    | -------- | -------------- | ------------ | ----- | ------------ | ------------- |
    | MUTAG    | ucl            | transductive | svm   | 90.00 ± 5.00 | 80.00 ± 10.00 |
    | MUTAG    | untrained      | transductive | svm   | 90.00 ± 5.00 | 80.00 ± 10.00 |
    | MUTAG    | majority class |              |       | 66.50        |               |
    <BLANKLINE>
    mean ± standard deviation over folds; training 1.5 s, evaluation of both encoders 2.0 s
    """

    def row(encoder: str, key: str) -> list[str]:
        scores = [percent(record[key][metric]) for metric in ("accuracy", "macro_f1")]
        return [record["dataset"], encoder, record["protocol"], record["probe"], *scores]

    majority = f"{100 * record['majority_accuracy']:.2f}"
    rows = [
        ["data set", "encoder", "protocol", "probe", "accuracy %", "macro-F1 %"],
        row(record["objective"], "trained"),
        row("untrained", "untrained"),
        [record["dataset"], "majority class", "", "", majority, ""],
    ]
    footnote = (
        f"mean ± standard deviation over folds; training {record['train_seconds']:.1f} s, "
        f"evaluation of both encoders {record['evaluate_seconds']:.1f} s"
    )
    return f"{markdown(rows)}\n\n{footnote}"


def percent(score: dict[str, float]) -> str:
    """Return a score as text.

    >>> percent({"mean": 0.5, "std_folds": 0.125})
    '50.00 ± 12.50'
    """
    return f"{100 * score['mean']:.2f} ± {100 * score['std_folds']:.2f}"


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """Return rows of text, the head first, as a Markdown table that also reads as text.

    >>> print(markdown([["a", "b"], ["1", "22"]]))
    | a | b  |
    | - | -- |
    | 1 | 22 |
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [rows[0], ["-" * width for width in widths], *rows[1:]]
    return "\n".join(
        "| "
        + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        + " |"
        for line in lines
    )
