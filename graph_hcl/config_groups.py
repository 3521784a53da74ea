"""The groups of settings in a `Config`: data, encoder, head, loss, optimiser and probe."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from graph_hcl.errors import UserError
from graph_hcl.ranges import check_ranges, within

RESULT_UNAFFECTED = {"affects_result": False}
"""Metadata of settings such as paths and devices, which do not affect the results."""
OFFICIAL = "official"
"""Value of --probe.splits that stands for the data set's own split."""


MAX_LAYERS, MAX_WIDTH, MAX_BATCH_SIZE = 1000, 10**6, 10**9
"""Upper bounds on layers, columns and graphs per batch: larger values are typos that would exhaust
the memory or never finish."""
MAX_EPOCHS, MAX_REPEATS, MAX_DRAWS, MAX_ROWS = 10**9, 10**6, 10**6, 10**9
"""Upper bounds on epochs, repetitions, draws of labels, and kept or drawn negatives, likewise."""
MAX_SEED = 2**32 - 1
"""The largest seed that NumPy and scikit-learn take."""


@dataclass
class DataConfig:
    """How the data set is read."""

    node_attributes: bool = False
    """Also use the real-valued node attributes of a TU data set. They come before its one-hot node
    labels; without this flag only the labels are used."""
    standardize: bool = True
    """Standardise numeric features to mean 0 and standard deviation 1. Both are taken from the
    training graphs; columns of zeros and ones stay as they are."""
    undirected: bool = False
    """Add the missing reverse edges. An edge that is listed in one direction only is then read as
    an undirected one."""
    smiles: str | None = field(default=None, metadata={"metavar": "COLUMN"})
    """Column of a table that holds the molecules as SMILES. null takes the column that is named
    smiles, in any case."""
    targets: str | list[str] | None = field(default=None, metadata={"metavar": "COLUMN"})
    """Column of a table that holds the labels. Several words, or 'a,b', are the columns of several
    tasks, in which entries may be missing. null reads no labels from a table: the encoder is
    trained, but not evaluated."""
    ids: str | None = field(default=None, metadata=RESULT_UNAFFECTED | {"metavar": "COLUMN"})
    """Column of a table that holds names of the graphs. They are written beside the embeddings.
    null is no names."""
    groups: str | None = field(default=None, metadata={"metavar": "COLUMN"})
    """Column of groups that must not be split. All graphs of a group are on the same side of every
    split into training and test graphs. It is a column of a table or of labels.csv, or a key of a
    JSON-lines file. Molecules without such a column may be grouped by scaffold, their Bemis-Murcko
    scaffold. null splits without groups."""
    invalid: Literal["error", "skip"] = "error"
    """What to do with text in a table that is no molecule. error refuses the table; skip leaves the
    row out, with a warning."""
    labels: Literal["auto", "classes", "numbers"] = "auto"
    """Read the labels in a file as classes or as real targets. auto takes whole numbers and words
    for classes, and other numbers for real targets."""
    options: dict[str, Any] = field(default_factory=dict)
    """Arguments for reading graphs of one's own. They go to the function that --dataset names; for
    a folder of graphs they name the attributes to read: {node_attrs, edge_attrs, weight}."""
    random_labels: bool = False
    """Shuffle the labels, by --seed, to test the evaluation. A score above chance then shows that
    the protocol leaks labels."""


@dataclass
class EncoderConfig:
    """Settings of the graph neural network besides --backbone, --hidden, --layers and --readout."""

    jk: Literal["cat", "max", "last"] = "cat"
    """Jumping knowledge: which layers make up the node embeddings. cat concatenates all layers, max
    takes their maximum, last takes the last layer only."""
    norm: str | None = field(default="batch_norm", metadata={"metavar": "NAME"})
    """Normalisation layer between convolutions, by its name in PyG. Examples are batch_norm,
    layer_norm and graph_norm; null is none."""
    act: str = field(default="relu", metadata={"metavar": "NAME"})
    """Activation function, by its name in PyG. Examples are relu, elu and gelu."""
    dropout: float = field(default=0.0, metadata=within(0, 1, below=True))
    """Dropout probability between convolutions, during training. 0 is no dropout."""
    per_view: bool = False
    """Encode each view in a pass of its own. Batch norm then takes its statistics from one view at
    a time instead of all views; this is slower."""
    weight_noise: float = field(default=0.0, metadata=within(0))
    """Noise on the weights that encode the second and later views (SimGRACE). It is given in
    standard deviations of each weight matrix; 0 is none."""
    embedding: int | None = field(default=None, metadata=within(1, MAX_WIDTH))
    """Width of a learned linear map of the node features before the backbone. For one-hot
    categories it is the sum of one learned vector per column. null is no such map."""
    options: dict[str, Any] = field(default_factory=dict)
    """Further arguments of the backbone's constructor. An example is {heads: 4} for gat."""

    def __post_init__(self) -> None:
        check_ranges(self, "encoder.")


@dataclass
class ProjectionConfig:
    """The projection head between embedding and loss; it is discarded after training."""

    layers: int = field(default=2, metadata=within(0, MAX_LAYERS))
    """Number of linear layers of the projection head. The head stands between the embedding and the
    loss, and is discarded after training; 0 is no head."""
    dim: int | None = field(default=None, metadata=within(1, MAX_WIDTH))
    """Output width of the projection head. null is the width of the embedding, or the number of
    classes for the objective cross-entropy."""
    normalize: Literal["sphere", "ball", "none"] | None = None
    """Normalise the features that the loss compares. sphere scales them to length 1, ball shortens
    those that are longer than 1, none leaves them as they are. null is sphere, but none for
    the objective cross-entropy."""

    def __post_init__(self) -> None:
        check_ranges(self, "projection.")


@dataclass
class LossConfig:
    """Settings of the objective besides --beta and --temperature; null is its default."""

    hardening: str | None = None
    """How hard negatives are weighted: the function eta of the logit. null is exponential for
    h-ucl, h-scl and h-infograph; objectives without hard negatives take none."""
    hardening_options: dict[str, Any] | None = None
    """Settings of the hardening. These are {tau} of threshold, {mean, width} of bell, {share} of
    effective-sample-size, and {bound, prior} of class-mass. null is the hardening's own."""
    schedule: Literal["constant", "linear", "cosine"] | None = None
    """How beta changes over the epochs. linear and cosine go from --loss.beta-start to --beta. null
    is constant."""
    beta_start: float | None = field(default=None, metadata=within(0))
    """Value of beta in the first epoch of a linear or cosine schedule. null is 0."""
    positives: Literal["label", "views"] | None = None
    """Which graphs a supervised objective pulls together. label takes all graphs of the same label,
    views only the other views of the same graph. null is label."""
    negatives: Literal["label", "all"] | None = None
    """Which graphs a supervised objective pushes apart. label takes graphs of other labels, all
    takes every other graph (the latent-class UCL and H-UCL). null is label."""
    negative_reduction: Literal["sum", "mean"] | float | None = field(
        default=None, metadata=within(0, above=True, sentence="sum, mean or a number {}")
    )
    """Weight Q of the negatives' mean in the denominator. sum is their number, mean is 1, and a
    number such as 254 is a constant. null is sum."""
    denominator: Literal["positive-and-negatives", "negatives"] | None = None
    """What the positive is divided by in the loss. It is the sum of itself and the negatives, or
    the negatives alone (the decoupled loss, which may fall below 0). null is
    positive-and-negatives."""
    contrast: Literal["all", "across-views", "first-view", "last-view"] | None = None
    """Which rows each graph is compared with. all takes every row of the batch, across-views the
    rows of other views; first-view and last-view do so for the rows of one view only. null is
    all."""
    include_self: bool | None = None
    """Count the row itself as one of its positives. Where all rows repel, it is one of its
    negatives, too. null is false."""
    average: Literal["anchor", "pair"] | None = None
    """How the loss is averaged. anchor averages over the positives of each row first, pair over all
    positive pairs at once. null is anchor."""
    tau_plus: float | None = field(default=None, metadata=within(0, 1, below=True))
    """Probability that a negative has the label of the graph itself. The debiased estimator
    subtracts this share; 0 does not debias, and null is 0."""
    detach_weights: bool | None = None
    """Treat the weights of hard negatives as constants. No gradient flows through them then, as in
    sampling of hard negatives. null is false."""
    num_negatives: int | None = field(default=None, metadata=within(1, MAX_ROWS))
    """Number of negatives that are drawn for each positive pair. Harder ones are drawn more often.
    null uses all negatives."""
    psi: str | None = None
    """The function psi of a positive and its negatives that is the loss. null is InfoNCE in closed
    form."""
    psi_options: dict[str, Any] | None = None
    """Settings of psi. These are {alpha} of infonce and {margin} of triplet. null is psi's own."""
    memory_size: int | None = field(default=None, metadata=within(0, MAX_ROWS))
    """Number of features of earlier batches that are further negatives. 0 is none, and null is
    0."""
    options: dict[str, Any] = field(default_factory=dict)
    """Further arguments of the objective, such as those of one's own class."""

    def __post_init__(self) -> None:
        check_ranges(self, "loss.")
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
class OptimizerConfig:
    """How the weights are changed by their gradients, besides --lr and --weight-decay."""

    name: str = "adam"
    """The optimiser. One's own is named by its import path, and called with the weights, lr and
    weight_decay."""
    momentum: float | None = field(default=None, metadata=within(0, 1, below=True))
    """Momentum of sgd. null is 0.9; other optimisers take none."""
    clip: float | None = field(default=None, metadata=within(0, above=True, infinite=True))
    """Largest norm of the gradient of all weights together. A longer one is shortened to it; null
    leaves gradients as they are."""
    schedule: Literal["constant", "cosine", "linear"] = "constant"
    """How the learning rate changes after the warm-up. cosine and linear lower it from --lr towards
    0 at the end of the training."""
    warmup: float = field(default=0.0, metadata=within(0))
    """Number of epochs in which the learning rate rises in a straight line from near 0 to --lr. It
    may be part of an epoch, such as 0.5; 0 starts with --lr."""

    def __post_init__(self) -> None:
        check_ranges(self, "optimizer.")


@dataclass
class ProbeConfig:
    """How frozen embeddings are evaluated."""

    name: str | None = None
    """The classifier or regressor that is fitted to the embeddings. Any estimator of scikit-learn
    can be named by its import path, such as sklearn.ensemble:RandomForestClassifier. null is svm
    for classes (nystroem-svm for more than 10000 graphs), logistic for several tasks, and ridge for
    real targets."""
    metric: str | None = field(default=None, metadata={"metavar": "NAME"})
    """The score that selects the probe's parameters and stands first in tables. null is accuracy
    for classes, roc_auc for several tasks, rmse for real targets, and with --probe.splits official
    the metric of the data set."""
    options: dict[str, Any] = field(default_factory=dict)
    """Arguments of the probe, such as those of a scikit-learn estimator."""
    folds: int = field(default=10, metadata=within(2, MAX_ROWS))
    """Number of folds of the cross-validation. Each fold has the same share of every class."""
    inner: int = field(default=5, metadata=within(2, MAX_ROWS))
    """Number of inner folds that choose the probe's parameters. They split the training graphs of
    each fold, under the transductive protocol."""
    splits: str | None = field(default=None, metadata={"metavar": "FILE"})
    """Fixed folds instead of drawn ones, for the inductive protocol. It is a JSON file, or the word
    official for the data set's own training, validation and test graphs. null draws stratified
    folds."""
    validation: float = field(default=0.1, metadata=within(0, 1, above=True, below=True))
    """Share of the training graphs that is held out to choose the probe's parameters. It holds for
    each fold of the inductive protocol."""
    fraction: float = field(default=1.0, metadata=within(0, 1, above=True))
    """Share of the training labels that the probe is fitted on. It holds for the transductive
    protocol, which trains the encoder without labels."""
    draws: int = field(default=20, metadata=within(1, MAX_DRAWS))
    """Number of draws of labelled graphs per fold, with --probe.fraction below 1. Their scores are
    averaged."""
    jobs: int | None = field(default=None, metadata=RESULT_UNAFFECTED | within(1))
    """Number of processes that evaluate folds at the same time. null is one per core."""

    def __post_init__(self) -> None:
        check_ranges(self, "probe.")
