"""The schema of a run: of the flags, `configs/*.yaml` and the `config.yaml` of a run folder.

Imports nothing heavy, so that `--help` is fast. A field whose default is `None` takes the
objective's own default, which `graph_hcl.factory.make_objective` fills in.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Literal

from graph_hcl.config_groups import (
    MAX_BATCH_SIZE,
    MAX_LAYERS,
    MAX_WIDTH,
    OFFICIAL,
    RESULT_UNAFFECTED,
    DataConfig,
    EncoderConfig,
    LossConfig,
    ProbeConfig,
    ProjectionConfig,
    expect,
    expect_within,
)

__all__ = [
    "OFFICIAL",
    "RANDOM_VIEW",
    "RESULT_UNAFFECTED",
    "Config",
    "DataConfig",
    "EncoderConfig",
    "LossConfig",
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

    dataset: str = "digits"
    """A TU data set or an OGB set of molecules by name (MUTAG, ogbg-molhiv), digits, a table with
    a column of SMILES (mine.csv, .tsv, .parquet, .smi), graphs in a .jsonl file or in a folder of
    .graphml, .gexf or .edgelist files, or pkg.module:function that returns graphs; digits and MUTAG
    need no download."""
    objective: str = "h-ucl"
    """The loss, by name or import path pkg.module:Class."""
    beta: float | None = None
    """Hardness: negatives are weighted by exp(beta * logit), or their mean is a power mean of order
    1 + beta (loss.hardening power); 0 for no hardening."""
    temperature: float | Literal["auto"] | None = None
    """Temperature T: logits are inner products divided by it. auto takes in each batch the T at
    which 5 % of a graph's negatives count."""
    epochs: int = 20
    """Passes over the training graphs."""
    batch_size: int = 128
    """Graphs per batch."""
    max_nodes: int | None = None
    """Most nodes per batch before augmentation, where --batch-size graphs have more, and most that
    are embedded at once; a larger graph is trained with one other, and embedded alone. null does
    not bound batches of the training, and embeds 524288 nodes or fewer at once."""
    lr: float = 0.001
    """Learning rate of Adam."""
    weight_decay: float = 0.0
    """L2 penalty of Adam."""
    backbone: str = "gin"
    """The graph neural network, by name or import path pkg.module:Class."""
    hidden: int = 32
    """Width of each layer."""
    layers: int = 3
    """Number of layers."""
    readout: str = "sum"
    """Pooling of node embeddings into a graph embedding: sum, mean, max, or by import path."""
    seed: int = 0
    """Seed of the first repetition: of weights, batches, views and folds."""
    restart: int = 0
    """Which draw of weights, batches and views the seed's folds are measured with: 0, 1, …."""
    repeats: int = field(default=1, metadata=RESULT_UNAFFECTED)
    """Number of repetitions, with seeds seed, seed + 1, …."""
    protocol: Literal["auto", "transductive", "inductive"] = "auto"
    """auto is transductive for unsupervised objectives and inductive for supervised ones."""
    views: list[str] = field(default_factory=lambda: [RANDOM_VIEW, RANDOM_VIEW])
    """Augmentations, one per view: '+' composes, '|' chooses at random per graph."""
    init_from: str | None = None
    """Run folder whose first trained part the encoder starts from, and the head where it fits, or
    the file RUN/checkpoint/PART.safetensors of another part; new graphs are read with the features
    that it was trained with. null starts from random weights."""
    mirror: str | None = field(default=None, metadata=RESULT_UNAFFECTED)
    """URL or folder of NAME.zip files; null is $GRAPH_HCL_TU_MIRROR, $GRAPH_HCL_OGB_MIRROR or the
    official site."""
    data_dir: str | None = field(default=None, metadata=RESULT_UNAFFECTED)
    """Folder that data sets are cached in; null is $GRAPH_HCL_DATA or ~/.cache/graph_hcl."""
    out: str | None = field(default=None, metadata=RESULT_UNAFFECTED)
    """New run folder; null is the next free runs/DATASET-OBJECTIVE-NUMBER."""
    diagnose: bool = field(default=True, metadata=RESULT_UNAFFECTED)
    """Log losses, orderings and collapse metrics every epoch, or every few epochs on small data
    sets; this does not change the training."""
    checkpoint_every: int | None = field(default=None, metadata=RESULT_UNAFFECTED)
    """Steps inside an epoch after which the training is saved, too; null saves it between epochs
    and when it is interrupted."""
    logger: str | None = field(default=None, metadata=RESULT_UNAFFECTED)
    """Tracker that epochs are also passed to, by name or by import path of what makes one; null is
    none, and metrics.jsonl is always written."""
    device: str = field(default="auto", metadata=RESULT_UNAFFECTED)
    """cpu, cuda, cuda:1, mps, or auto: CUDA if available, else cpu."""
    data: DataConfig = field(default_factory=DataConfig)
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    projection: ProjectionConfig = field(default_factory=ProjectionConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    probe: ProbeConfig = field(default_factory=ProbeConfig)

    def __post_init__(self) -> None:
        expect(self.beta is None or self.beta >= 0, "beta", "0 or more", self.beta)
        expect(
            isinstance(self.temperature, str | None) or self.temperature > 0,
            "temperature",
            "above 0 or auto",
            self.temperature,
        )
        expect(self.epochs >= 0, "epochs", "0 or more", self.epochs)
        expect(
            self.batch_size >= 2,
            "batch-size",
            "2 or more (a contrast needs another graph)",
            self.batch_size,
        )
        if self.max_nodes is not None:
            expect(self.max_nodes >= 1, "max-nodes", "1 or more", self.max_nodes)
        every = self.checkpoint_every
        expect(every is None or every >= 1, "checkpoint-every", "1 or more", every)
        expect(self.lr > 0, "lr", "above 0", self.lr)
        expect(self.weight_decay >= 0, "weight-decay", "0 or more", self.weight_decay)
        expect_within(self.batch_size, "batch-size", 2, MAX_BATCH_SIZE)
        expect_within(self.hidden, "hidden", 1, MAX_WIDTH)
        heads = self.encoder.options.get("heads", 1)
        if self.backbone.casefold() == "gat" and self.encoder.options.get("concat", True):
            expect(
                isinstance(heads, int) and heads >= 1 and self.hidden % heads == 0,
                "hidden",
                f"a multiple of --encoder.options.heads ({heads})",
                self.hidden,
            )
        expect_within(self.layers, "layers", 1, MAX_LAYERS)
        expect_within(self.seed, "seed", 0, 2**63 - self.repeats)
        expect(self.restart >= 0, "restart", "0 or more", self.restart)
        expect(self.repeats >= 1, "repeats", "1 or more", self.repeats)
        expect(len(self.views) >= 1, "views", "a list of at least one augmentation", self.views)

    def to_dict(self) -> dict[str, Any]:
        """Return the nested dictionary that `config.yaml` holds."""
        return dataclasses.asdict(self)
