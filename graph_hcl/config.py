"""The schema of a run: of the flags, `configs/*.yaml` and the `config.yaml` of a run folder.

Imports nothing heavy, so that `--help` is fast. A field whose default is `None` takes the
objective's own default, which `graph_hcl.objective_factory.make_objective` fills in.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Literal

from graph_hcl.config_groups import (
    MAX_BATCH_SIZE,
    MAX_EPOCHS,
    MAX_LAYERS,
    MAX_REPEATS,
    MAX_SEED,
    MAX_WIDTH,
    OFFICIAL,
    RESULT_UNAFFECTED,
    DataConfig,
    EncoderConfig,
    LossConfig,
    OptimizerConfig,
    ProbeConfig,
    ProjectionConfig,
)
from graph_hcl.ranges import check_ranges, expect, within

__all__ = [
    "OFFICIAL",
    "RANDOM_VIEW",
    "RESULT_UNAFFECTED",
    "Config",
    "DataConfig",
    "EncoderConfig",
    "LossConfig",
    "OptimizerConfig",
    "ProbeConfig",
    "ProjectionConfig",
]

RANDOM_VIEW = "node_drop(0.2) | edge_drop(0.2) | subgraph(0.8) | feature_mask(0.2)"


@dataclass
class Config:
    """All settings of one run.

    Raises `UserError` for a value out of range, in one sentence that names the flag.

    >>> Config(dataset="MUTAG", objective="scl").batch_size
    128
    >>> Config(dataset="MUTAG", batch_size=1)
    Traceback (most recent call last):
    graph_hcl.errors.UserError: Expected --batch-size to be 2 or more (a contrast needs another \
graph), but got 1.
    """

    dataset: str = field(default="digits", metadata={"metavar": "NAME|FILE"})
    """The graphs: a data set by name, or a file or folder. Names are those of TU data sets (MUTAG),
    of OGB's sets of molecules (ogbg-molhiv), and digits; digits and MUTAG need no download. Files
    are tables with a column of SMILES (.csv, .tsv, .parquet, .smi), graphs in a .jsonl file, or a
    folder of .graphml, .gexf or .edgelist files; one that is called like a data set is written
    ./MUTAG. pkg.module:function names a function that returns graphs."""
    objective: str = "h-ucl"
    """The loss that the encoder is trained with. Those with h- weight hard negatives; scl, h-scl,
    supcon and cross-entropy read labels."""
    beta: float | None = field(default=None, metadata=within(0))
    """Hardness: how strongly negatives that resemble the anchor are weighted up. A negative is
    weighted by exp(beta * logit); with --loss.hardening power, the negatives' mean is a power mean
    of order 1 + beta. 0 is no hardening, and null is the objective's own, 1 for h-ucl and h-scl."""
    temperature: float | Literal["auto"] | None = field(
        default=None, metadata=within(0, above=True, sentence="{} or auto")
    )
    """What similarities are divided by in the loss. A lower temperature makes close negatives count
    more. auto takes in each batch the temperature, from 0.02 to 1, at which 5 % of a graph's
    negatives count; a batch of 20 negatives or fewer, as 11 graphs in two views have, keeps that of
    the batch before. null is the objective's own, 0.5 for most."""
    epochs: int = field(default=20, metadata=within(0, MAX_EPOCHS))
    """Number of passes over the training graphs. With 0 the encoder stays as it was initialised."""
    batch_size: int = field(
        default=128,
        metadata=within(2, MAX_BATCH_SIZE, sentence="{} (a contrast needs another graph)"),
    )
    """Number of graphs per batch. The other graphs of the batch are the negatives of each."""
    max_nodes: int | None = field(default=None, metadata=within(1))
    """Most nodes per batch, for large graphs. A batch has fewer graphs than --batch-size where they
    have more nodes than this before augmentation; a larger graph is trained with one other. It also
    bounds how many nodes are embedded at once. null does not bound batches of the training, and
    embeds at most 524288 nodes at once."""
    lr: float = field(default=0.001, metadata=within(0, above=True))
    """Learning rate of the optimiser. It is the highest one with a warm-up or a schedule."""
    weight_decay: float = field(default=0.0, metadata=within(0))
    """How much weights are pulled towards 0. It is an L2 penalty in adam and sgd, and apart from
    the gradient in adamw. 0 is none."""
    backbone: str = "gin"
    """The graph neural network. One's own is a torch module, named by its import path."""
    hidden: int = field(default=32, metadata=within(1, MAX_WIDTH))
    """Width of each layer of the backbone, in features per node."""
    layers: int = field(default=3, metadata=within(1, MAX_LAYERS))
    """Number of layers of the backbone."""
    readout: str = "sum"
    """How node embeddings are pooled into a graph embedding."""
    seed: int = field(default=0, metadata=within(0))
    """Seed of all random numbers: weights, batches, views and folds. With --repeats it is the seed
    of the first repetition."""
    restart: int = field(default=0, metadata=within(0))
    """Which draw of weights, batches and views is trained for a seed. The folds stay those of the
    seed, so that several trainings can be measured on the same folds: 0, 1, 2, …."""
    repeats: int = field(default=1, metadata=RESULT_UNAFFECTED | within(1, MAX_REPEATS))
    """Number of repetitions. They have the seeds seed, seed + 1, …, and stand in one table."""
    protocol: Literal["auto", "transductive", "inductive"] = "auto"
    """How training and evaluation share the graphs. transductive trains one encoder on all graphs,
    without labels, and cross-validates the probe; inductive trains an encoder for each fold, on its
    training graphs only. auto is transductive for unsupervised objectives and inductive for
    supervised ones."""
    views: list[str] = field(
        default_factory=lambda: [RANDOM_VIEW, RANDOM_VIEW], metadata={"metavar": "VIEW …"}
    )
    """Augmentations that make the views, one per view. '+' applies one after the other, '|' chooses
    one at random for each graph; a number in brackets is the share that is changed, such as
    edge_drop(0.2)."""
    init_from: str | None = field(default=None, metadata={"metavar": "FOLDER|FILE"})
    """Run folder whose trained encoder the training starts from. The projection head is taken over
    where it fits, and new graphs are read with the features that the encoder was trained with. A
    run with several trained parts gives its first; RUN/checkpoint/PART.safetensors names another.
    null starts from random weights."""
    mirror: str | None = field(default=None, metadata=RESULT_UNAFFECTED | {"metavar": "URL|FOLDER"})
    """Where data sets are downloaded from: the URL or folder of NAME.zip files. null is
    $GRAPH_HCL_TU_MIRROR for TU data sets, $GRAPH_HCL_OGB_MIRROR for those of OGB, or else the
    official site."""
    data_dir: str | None = field(default=None, metadata=RESULT_UNAFFECTED | {"metavar": "FOLDER"})
    """Folder that data sets are kept in. null is $GRAPH_HCL_DATA, or else ~/.cache/graph_hcl."""
    out: str | None = field(default=None, metadata=RESULT_UNAFFECTED | {"metavar": "FOLDER"})
    """The run folder, which must be new. null is the next free runs/DATASET-OBJECTIVE-NUMBER."""
    diagnose: bool = field(default=True, metadata=RESULT_UNAFFECTED)
    """Log losses, orderings and measures of collapse. It is done every epoch, or every few epochs
    on small data sets, and does not change the training."""
    checkpoint_every: int | None = field(default=None, metadata=RESULT_UNAFFECTED | within(1))
    """Number of steps inside an epoch after which the training is saved, too. null saves it between
    epochs, and when it is interrupted."""
    logger: str | None = field(default=None, metadata=RESULT_UNAFFECTED)
    """Experiment tracker that each epoch is also sent to. null is none; metrics.jsonl in the run
    folder is always written."""
    device: str = field(default="auto", metadata=RESULT_UNAFFECTED | {"metavar": "DEVICE"})
    """Where to compute: cpu, cuda, cuda:1, mps or auto. auto is CUDA if available, else the CPU."""
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true"
    """In how many bits the training multiplies. bf16-mixed and 16-mixed run the encoder in bfloat16
    and float16, which GPUs are faster with; losses and weights keep 32 bits, and embeddings are
    computed in 32. On the CPU nothing is gained."""
    cuda_graphs: bool = False
    """Record whole training steps on a CUDA device, and repeat them. Batches are padded to a few
    shapes, whose steps then are one launch each; results change by rounding alone. It is off by
    default, since it has not been measured yet."""
    deterministic: bool = False
    """Compute the same bits on any number of cores. The CPU then computes on one thread, and an
    operation that has no deterministic way on another device is an error."""
    data: DataConfig = field(default_factory=DataConfig)
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    projection: ProjectionConfig = field(default_factory=ProjectionConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    probe: ProbeConfig = field(default_factory=ProbeConfig)

    def __post_init__(self) -> None:
        check_ranges(self)
        heads = self.encoder.options.get("heads", 1)
        if self.backbone.casefold() == "gat" and self.encoder.options.get("concat", True):
            expect(
                isinstance(heads, int) and heads >= 1 and self.hidden % heads == 0,
                "hidden",
                f"a multiple of --encoder.options.heads ({heads})",
                self.hidden,
            )
        expect(
            self.optimizer.warmup <= self.epochs or self.epochs == 0,
            "optimizer.warmup",
            f"at most --epochs ({self.epochs})",
            self.optimizer.warmup,
        )
        last = MAX_SEED - self.repeats + 1
        expect(self.seed <= last, "seed", f"{last} or less", self.seed)
        expect(len(self.views) >= 1, "views", "a list of at least one augmentation", self.views)

    def to_dict(self) -> dict[str, Any]:
        """Return the nested dictionary that `config.yaml` holds."""
        return dataclasses.asdict(self)
