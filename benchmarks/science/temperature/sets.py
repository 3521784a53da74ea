"""The data sets of the temperature benchmark: how long they are trained, and what that takes."""

from dataclasses import dataclass, field

SUBSETS = "benchmarks.science.temperature.subsets:coil_del"


@dataclass(frozen=True)
class DataSet:
    """A data set as it is trained.

    `epochs` are those at batches of 128, and `seeds` the number of repetitions, fewer for sets that
    take long; these have one for what differs from the core, others three. Measured on one
    core: `epoch` seconds per epoch, `probes` seconds of evaluation after a transductive training
    and `held_out` of one on held-out graphs.
    """

    source: str
    classes: int
    graphs: int
    epochs: int
    seeds: int
    epoch: float
    probes: float
    held_out: float
    settings: dict = field(default_factory=dict)

    @property
    def further_seeds(self) -> int:
        """Number of repetitions of forms and factors."""
        return 3 if self.seeds > 2 else 1


def _coil_del(classes: int, seeds: int, probes: float, held_out: float) -> DataSet:
    """Return a subset that is trained for as many steps as the whole set, 620."""
    graphs = 39 * classes
    steps = -(-graphs // 128)
    return DataSet(
        SUBSETS,
        classes,
        graphs,
        epochs=620 // steps,
        seeds=seeds,
        epoch=0.012 * steps,
        probes=probes,
        held_out=held_out,
        settings={"data.options": {"classes": classes}},
    )


DIGITS_VIEW = "node_drop(0.1) | edge_drop(0.2) | feature_mask(0.1)"
SETS = {
    "digits": DataSet(
        "digits", 10, 1797, 10, 5, 0.25, 11, 0.3,
        {"views": [DIGITS_VIEW] * 2, "data.standardize": False},
    ),
    "MSRC_21": DataSet("MSRC_21", 20, 563, 40, 5, 0.15, 2, 0.2),
    "COIL-DEL": DataSet("COIL-DEL", 100, 3900, 20, 2, 0.39, 50, 8),
    "COIL-DEL-5": _coil_del(5, 5, 0.5, 0.1),
    "COIL-DEL-10": _coil_del(10, 5, 2, 0.2),
    "COIL-DEL-25": _coil_del(25, 5, 8, 0.5),
    "COIL-DEL-50": _coil_del(50, 2, 30, 2),
    "ENZYMES": DataSet("ENZYMES", 6, 600, 40, 5, 0.08, 1.3, 0.1),
    "Letter-high": DataSet("Letter-high", 15, 2250, 20, 5, 0.11, 10.5, 0.5),
    "PROTEINS": DataSet("PROTEINS", 2, 1113, 20, 5, 0.16, 2.3, 0.2),
    "IMDB-BINARY": DataSet("IMDB-BINARY", 2, 1000, 20, 5, 0.11, 1.3, 0.2),
    "NCI1": DataSet("NCI1", 2, 4110, 15, 2, 0.71, 20, 1.5),
}  # fmt: skip
