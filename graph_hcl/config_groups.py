"""The groups of settings in a `Config`: data, encoder, projection head, loss and probe."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from graph_hcl.errors import UserError

RESULT_UNAFFECTED = {"affects_result": False}
"""Metadata of settings such as paths and devices, which do not affect the results."""
OFFICIAL = "official"
"""Value of --probe.splits that stands for the data set's own split."""


def expect(condition: bool, flag: str, expected: str, got: object) -> None:
    """Raise `UserError` with the flag's name where a condition does not hold.

    >>> expect(False, "lr", "above 0", -1)
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected --lr to be above 0, but got -1.
    """
    if not condition:
        raise UserError(f"Expected --{flag} to be {expected}, but got {got!r}.")


def expect_within(value: int, flag: str, least: int, most: int) -> None:
    """Raise `UserError` outside the range; the message names the bound that was passed.

    >>> expect_within(0, "layers", 1, 9)
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected --layers to be 1 or more, but got 0.
    """
    bound = f"{least} or more" if value < least else f"{most} or less"
    expect(least <= value <= most, flag, bound, value)


MAX_LAYERS, MAX_WIDTH, MAX_BATCH_SIZE = 1000, 10**6, 10**9
"""Upper bounds on layers, columns and graphs per batch: larger values are typos that would exhaust
the memory or never finish."""


@dataclass
class DataConfig:
    """How the data set is read."""

    node_attributes: bool = False
    """Put the continuous node attributes of a TU data set before its one-hot node labels."""
    standardize: bool = True
    """Standardise numeric features by their mean and standard deviation over the training graphs;
    binary columns stay as they are."""
    undirected: bool = False
    """Add the reverse of each edge that is listed in one direction only."""
    smiles: str | None = None
    """Column of SMILES in a table; null is the one called so."""
    targets: str | list[str] | None = None
    """Column of labels in a table; 'a,b' or a list for several tasks, in which entries may be
    missing."""
    ids: str | None = field(default=None, metadata=RESULT_UNAFFECTED)
    """Column of names in a table, which embeddings are written with."""
    groups: str | None = None
    """Column of groups in a table or in labels.csv, or key of a JSON-lines file: no group is on
    both sides of a split. Of molecules without such a column, scaffold is the Bemis-Murcko
    scaffold."""
    invalid: Literal["error", "skip"] = "error"
    """Refuse a table with text that is no molecule, or skip it with a warning."""
    labels: Literal["auto", "classes", "numbers"] = "auto"
    """Read labels in files as classes or as real targets; auto takes whole numbers and words for
    classes."""
    options: dict[str, Any] = field(default_factory=dict)
    """Arguments of one's own function that returns graphs, or, for a folder of graphs, names of
    attributes to read: {node_attrs, edge_attrs, weight}."""
    random_labels: bool = False
    """Shuffle the labels by --seed: a score above chance then indicates leakage."""


@dataclass
class EncoderConfig:
    """Settings of the graph neural network besides --backbone, --hidden, --layers and --readout."""

    jk: Literal["cat", "max", "last"] = "cat"
    """Jumping knowledge: concatenation of all layers, their maximum, or the last layer only."""
    norm: str | None = "batch_norm"
    """Normalisation layer between convolutions, by its PyG name; null for none."""
    act: str = "relu"
    """Activation, by its PyG name."""
    dropout: float = 0.0
    """Dropout probability between convolutions."""
    per_view: bool = False
    """Encode each view separately, so that batch norm sees one view at a time; slower."""
    weight_noise: float = 0.0
    """Noise on the weights that encode the later views, in standard deviations of each weight
    matrix (SimGRACE); 0 for none."""
    embedding: int | None = None
    """Width of a learned linear map of the node features before the backbone, which for one-hot
    categories is the sum of one embedding per column; null for none."""
    options: dict[str, Any] = field(default_factory=dict)
    """Further keyword arguments of the backbone's constructor."""

    def __post_init__(self) -> None:
        expect(0 <= self.dropout < 1, "encoder.dropout", "in [0, 1)", self.dropout)
        expect(self.weight_noise >= 0, "encoder.weight-noise", "0 or more", self.weight_noise)
        if self.embedding is not None:
            expect_within(self.embedding, "encoder.embedding", 1, MAX_WIDTH)


@dataclass
class ProjectionConfig:
    """The projection head between embedding and loss; it is discarded after training."""

    layers: int = 2
    """Number of linear layers of the head; 0 for no head."""
    dim: int | None = None
    """Output width of the head; null is that of the embedding, or the number of classes."""
    normalize: Literal["sphere", "ball", "none"] | None = None
    """Normalise features onto the unit sphere, into the unit ball, or not at all; null is sphere,
    but none for class logits."""

    def __post_init__(self) -> None:
        expect_within(self.layers, "projection.layers", 0, MAX_LAYERS)
        if self.dim is not None:
            expect_within(self.dim, "projection.dim", 1, MAX_WIDTH)


@dataclass
class LossConfig:
    """Settings of the objective besides --beta and --temperature; null is its default."""

    hardening: str | None = None
    """Hardening of the negatives' weights (log eta), by name or import path."""
    hardening_options: dict[str, Any] | None = None
    """Its settings: {tau} of threshold, {mean, width} of bell, {share} of effective-sample-size,
    {bound, prior} of class-mass."""
    schedule: Literal["constant", "linear", "cosine"] | None = None
    """Schedule of beta from loss.beta_start to --beta over the epochs."""
    beta_start: float | None = None
    """Initial beta of a linear or cosine schedule."""
    positives: Literal["label", "views"] | None = None
    """Positives of a supervised objective: all graphs of the same label, or other views only."""
    negatives: Literal["label", "all"] | None = None
    """Negatives of a supervised objective: graphs of other labels, or all other graphs (the
    latent-class UCL and H-UCL)."""
    negative_reduction: Literal["sum", "mean"] | float | None = None
    """Weight Q of the negatives: their number (sum), 1 (mean), or a constant such as 254."""
    denominator: Literal["positive-and-negatives", "negatives"] | None = None
    """What the positive is divided by: itself and the negatives, or the negatives alone (the
    decoupled loss, which may fall below 0)."""
    contrast: Literal["all", "across-views", "first-view", "last-view"] | None = None
    """Contrast each graph with all rows, with those of other views only, or so for the rows of the
    first or the last view alone."""
    include_self: bool | None = None
    """Count the anchor itself as one of its positives and, where all rows repel, negatives."""
    average: Literal["anchor", "pair"] | None = None
    """Average over positives per anchor first, or over all positive pairs at once."""
    tau_plus: float | None = None
    """Class prior of the debiased estimator; 0 for no debiasing."""
    detach_weights: bool | None = None
    """Stop the gradient through the hardness weights."""
    num_negatives: int | None = None
    """Negatives sampled per positive pair, by hardness; null uses all of them."""
    psi: str | None = None
    """The function psi, by name or import path; null is InfoNCE in closed form."""
    psi_options: dict[str, Any] | None = None
    """Its settings: {alpha} of infonce, {margin} of triplet."""
    memory_size: int | None = None
    """Number of features of earlier batches that serve as further negatives; 0 for none."""
    options: dict[str, Any] = field(default_factory=dict)
    """Further keyword arguments of the objective, such as a custom one."""

    def __post_init__(self) -> None:
        for name, least in (("num_negatives", 1), ("memory_size", 0), ("beta_start", 0)):
            value = getattr(self, name)
            flag = f"loss.{name.replace('_', '-')}"
            expect(value is None or value >= least, flag, f"{least} or more", value)
        q = self.negative_reduction
        good = q is None or isinstance(q, str) or q > 0
        expect(good, "loss.negative-reduction", "sum, mean or a number above 0", q)
        for name, plain in (
            ("hardening", (None, "none", "exponential", "power")),
            ("psi", (None,)),
        ):
            part, options = getattr(self, name), getattr(self, f"{name}_options")
            if options and (part and part.casefold()) in plain:
                raise UserError(
                    f"Expected --loss.{name} to name something that takes --loss.{name}-options, "
                    f"but got {part or 'null'}: they would have no effect."
                )


@dataclass
class ProbeConfig:
    """How frozen embeddings are evaluated."""

    name: str | None = None
    """The probe of frozen embeddings, by name or import path, such as that of a classifier or
    regressor of scikit-learn (sklearn.ensemble:RandomForestClassifier). null is svm, which has an
    RBF kernel, for classes (of more than 10000 graphs nystroem-svm), logistic for several tasks,
    ridge for real targets."""
    metric: str | None = None
    """The metric that selects the probe's parameters and stands first in tables, by name (accuracy,
    macro_f1, balanced_accuracy, roc_auc, average_precision, rmse, mae, r2) or import path; null is
    accuracy for classes, roc_auc for several tasks, rmse for real targets, and with an official
    split the data set's own."""
    options: dict[str, Any] = field(default_factory=dict)
    """Arguments of the probe, such as those of a scikit-learn estimator."""
    folds: int = 10
    """Number of stratified folds."""
    inner: int = 5
    """Number of inner folds that choose C under the transductive protocol."""
    splits: str | None = None
    """JSON file of fixed folds for the inductive protocol, or official for the data set's own split
    into training, validation and test graphs; null draws stratified folds."""
    validation: float = 0.1
    """Share of the training graphs of an inductive fold that is held out for model selection."""
    fraction: float = 1.0
    """Share of the training labels that a transductive probe is fitted on."""
    draws: int = 20
    """Draws of labelled graphs per fold, whose scores are averaged; for fractions below 1."""
    jobs: int | None = field(default=None, metadata=RESULT_UNAFFECTED)
    """Processes for the folds; null is one per core."""

    def __post_init__(self) -> None:
        expect(self.folds >= 2, "probe.folds", "2 or more", self.folds)
        expect(self.inner >= 2, "probe.inner", "2 or more", self.inner)
        expect(0 < self.validation < 1, "probe.validation", "in (0, 1)", self.validation)
        expect(0 < self.fraction <= 1, "probe.fraction", "in (0, 1]", self.fraction)
        expect(self.draws >= 1, "probe.draws", "1 or more", self.draws)
        expect(self.jobs is None or self.jobs >= 1, "probe.jobs", "1 or more", self.jobs)
