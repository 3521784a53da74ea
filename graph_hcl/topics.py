"""The settings of a run in groups, as `--help` and the documentation show them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Topic:
    """A group of flags: what it is about, and its members by name, or by prefix ("loss.")."""

    summary: str
    members: tuple[str, ...]


TOPICS = {
    "views": Topic(
        "How a graph is augmented into the views that are compared.",
        ("views", "encoder.per_view", "encoder.weight_noise"),
    ),
    "data": Topic(
        "Which graphs are read, and how.",
        ("dataset", "data.", "mirror", "data_dir"),
    ),
    "encoder": Topic(
        "The graph neural network, its read-out and the projection head.",
        ("backbone", "hidden", "layers", "readout", "encoder.", "projection.", "init_from"),
    ),
    "loss": Topic(
        "What is minimised: objective, temperature, and how hard negatives count.",
        ("objective", "beta", "temperature", "loss."),
    ),
    "optimisation": Topic(
        "How long and how fast to train, with which random numbers, and where.",
        (
            "epochs", "batch_size", "max_nodes", "lr", "weight_decay", "optimizer.", "seed",
            "restart", "device", "precision", "cuda_graphs", "deterministic",
        ),
    ),
    "evaluation": Topic(
        "How the frozen embeddings are scored: protocol, probe, metric and folds.",
        ("protocol", "repeats", "probe."),
    ),
    "output": Topic(
        "The run folder, what is logged, files of settings, and resuming.",
        (
            "out", "diagnose", "checkpoint_every", "logger", "config", "print_config", "resume",
            "trust_code", "allow_changed_data", "help", "version",
        ),
    ),
}  # fmt: skip
"""The groups by name; a flag belongs to the first one that it fits."""

COMMON = (
    "dataset", "objective", "beta", "temperature", "epochs", "batch_size", "lr", "backbone",
    "hidden", "layers", "readout", "views", "protocol", "probe.name", "probe.metric", "repeats",
    "seed", "device", "out", "config", "resume",
)  # fmt: skip
"""The flags that most people use, which `--help` shows first."""


def topic_of(name: str) -> str:
    """Return the group of a flag.

    >>> topic_of("probe.folds"), topic_of("encoder.per_view"), topic_of("encoder.jk")
    ('evaluation', 'views', 'encoder')
    """
    prefix = name.partition(".")[0] + "."
    return next(t for t, topic in TOPICS.items() if {name, prefix} & set(topic.members))
