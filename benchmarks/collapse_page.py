"""docs/collapse.md, written from the committed columns: verdicts, tables, figures, setting."""

from collections.abc import Iterator, Sequence

from collapse_figures import CIFAR, CIFAR_BETAS, TYPES, common_epoch
from collapse_orderings import accuracy, ordering_verdicts
from collapse_results import by_dataset, chosen, usual, value
from collapse_verdicts import EQUAL, FULL, Verdict, collapse_verdicts

HEAD = """# Collapse and loss orderings on graphs

A reproduction, on graph data sets, of what two papers claim of image data sets:

- arXiv 2311.05139 (below: *geometry paper*): with hard negatives and normalised features, training
  reaches neural collapse; without either, the features collapse to few dimensions.
- arXiv 2209.00078 (*H-SCL paper*): H-SCL is bounded by H-UCL under its Assumption 1, not by UCL.

This page is generated: `python benchmarks/collapse.py` trains what is missing, and
`python benchmarks/collapse.py --page` writes results, figures and this text from the cells. One
cell by itself is, for example,
`python -m graph_hcl.train --config configs/reproduce/collapse/COIL-DEL.yaml --beta 5
--projection.normalize ball`.
"""

CAPTIONS = {
    "collapse-live": "What grows with training on the set with most classes, in the unit ball. The "
    "dotted line is C − 1. Lines that still rise at the right edge are not converged.",
    "collapse-long": "Longer training of single cells: what hard negatives reach in the unit ball, "
    "and what is reached without either.",
    "collapse-spectra": "Singular values of the covariance of the class means (training graphs, "
    "unit ball, end of training). Above the dotted line, 10⁻³ of the largest, a dimension is live.",
    "collapse-grid": "The whole grid at epoch {epoch}, the last one that all cells have. The grey "
    "stars are the geometry paper's CIFAR-100 figures, unit ball, after 401 epochs of 98 steps.",
    "collapse-metrics": "The four distances from neural collapse on training graphs, unit ball, "
    "SCL type: all are 0 there.",
    "collapse-losses": "H-SCL above its floor, logarithmic, in the unit ball. The floor is that of "
    "every β. A line ends where it is no longer above it.",
    "collapse-orderings": "The four losses on held-out graphs (β = 1, T = .5; the positive is the "
    "other view), by what the encoder was trained with, seed 0. The "
    "counterpart of figure 5 of the H-SCL paper.",
    "collapse-assumption": "Fraction of held-out anchors under Assumption 1, by what the encoder "
    "was trained with. The counterpart of figure 4 of the H-SCL paper.",
}


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table.

    >>> print(table(["a", "b"], [["1", "2"]]))
    | a | b |
    | --- | --- |
    | 1 | 2 |
    """
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def page(collapse: Sequence[dict], orderings: Sequence[dict], drawn: Sequence[str]) -> str:
    """Return the whole text."""
    parts = [HEAD, "## Verdicts\n"]
    if collapse:
        parts += ["The geometry paper:\n", verdict_table(list(collapse_verdicts(collapse))), RULES]
    if orderings:
        parts += ["The H-SCL paper:\n", verdict_table(list(ordering_verdicts(orderings)))]
    main, asides = usual(collapse)
    epoch = common_epoch(main) if main else 0
    parts.append("## Figures\n")
    for name in drawn:
        parts.append(f"![{name}](figures/{name}.svg)\n\n*{CAPTIONS[name].format(epoch=epoch)}*\n")
    if main:
        parts += ["## The grid\n", *grid_tables(main)]
    if asides:
        parts += ["### Other batch sizes and lengths\n", aside_table(asides)]
    if orderings:
        parts += ["## What the ordering encoders classify\n", accuracy_table(orderings)]
    parts += ["## Setting\n", *setting(collapse, orderings)]
    return "\n".join(parts).rstrip() + "\n"


RULES = f"""
A claim holds when it holds on every data set, does not when on none, and partly otherwise. Neural
collapse counts as reached when {FULL:.0%} of the C − 1 dimensions are live and the class means'
cosines differ from −1/(C−1) by {EQUAL} on average at most; coming nearer to it than without hard
negatives counts as a part. Dimensional collapse is less than half of the dimensions live.
"""


def verdict_table(verdicts: Sequence[Verdict]) -> str:
    """Return claims, verdicts, reasons, and links to the figures."""
    rows = [
        [v.claim, f"**{v.verdict}**", v.reason, f"[{v.figure}](figures/{v.figure}.svg)"]
        for v in verdicts
    ]
    return table(["claim", "verdict", "why", "figure"], rows) + "\n"


def grid_tables(cells: Sequence[dict]) -> Iterator[str]:
    """Yield one table per data set: training / held out, per β, normalisation and type."""
    epoch = common_epoch(cells)
    yield (
        "Training graphs / held-out graphs. Accuracy is that of the nearest class mean (means of "
        f"training graphs), in %. Normalisations are compared at epoch {epoch}; where the ball was "
        "trained for longer, its last epoch follows.\n"
    )
    for dataset, here in by_dataset(cells).items():
        most = here[0]["classes"] - 1
        yield f"### {dataset}: {here[0]['classes']} classes, {most} dimensions\n"
        untrained = (chosen(here, normalize="ball") or here)[0]
        start = ", ".join(
            f"{name} {pair(untrained, measure, 0)}" for name, measure in MEASURES.items()
        )
        yield f"Untrained (ball): {start}.\n"
        betas = sorted({cell["beta"] for cell in here})
        rows = []
        for kind, name in TYPES.items():
            for normalize, at in (
                ("ball", epoch),
                ("sphere", epoch),
                ("none", epoch),
                ("ball", None),
            ):
                for label, measure in MEASURES.items():
                    found = [
                        chosen(here, negatives=kind, normalize=normalize, beta=beta, seed=0)
                        for beta in betas
                    ]
                    last = max((c[0]["epoch"][-1] for c in found if c), default=epoch)
                    if at is None and last == epoch:
                        continue
                    values = [pair(c[0], measure, at) if c else "–" for c in found]
                    rows.append([name, normalize, str(at or last), label, *values])
        if most == 99:
            rows += cifar_rows(betas)
        yield (
            table(
                ["negatives", "features", "epoch", "", *[f"β = {beta:g}" for beta in betas]], rows
            )
            + "\n"
        )


MEASURES = {
    "accuracy": "class_mean_accuracy",
    "live dimensions": "live_dimensions",
    "equal inner product": "equal_inner_product",
}


def pair(cell: dict, measure: str, epoch: int | None) -> str:
    """Return a value on training and on held-out graphs."""
    if cell["stopped"]:
        return "diverged"
    form = {
        "class_mean_accuracy": lambda v: f"{100 * v:.1f}",
        "live_dimensions": lambda v: f"{v:g}",
    }
    show = form.get(measure, lambda v: f"{v:.3f}")
    return " / ".join(show(value(cell, part, measure, epoch)) for part in ("train", "held_out"))


def aside_table(cells: Sequence[dict]) -> str:
    """Return the cells that are not of the grid: their settings and their last epoch."""
    rows = [
        [cell["dataset"], TYPES[cell["negatives"]], cell["normalize"], f"{cell['beta']:g}",
         str(cell["batch_size"]), str(cell["epochs"]), str(cell["seed"]),
         *[pair(cell, measure, None) for measure in MEASURES.values()]]
        for cell in sorted(cells, key=lambda c: (c["dataset"], c["negatives"], c["normalize"],
                                                 c["batch_size"], c["epochs"], c["beta"]))
    ]  # fmt: skip
    head = ["data set", "negatives", "features", "β", "batch", "epochs", "seed", *MEASURES]
    return table(head, rows) + "\n"


def cifar_rows(betas: Sequence[float]) -> Iterator[list[str]]:
    """Yield the geometry paper's figures on CIFAR-100 (test accuracy; the rest on training)."""
    for kind, name in TYPES.items():
        for label, measure in MEASURES.items():
            known = dict(zip(CIFAR_BETAS, CIFAR[kind][measure], strict=True))
            scale = 100 if label == "accuracy" else 1
            shown = ["decays" if (v := known[beta]) is None else f"{scale * v:g}" for beta in betas]
            yield [name, "ball", "401", f"*CIFAR-100, paper: {label}*", *shown]


def accuracy_table(cells: Sequence[dict]) -> str:
    """Return held-out accuracies by objective, beside the untrained encoder."""
    rows = []
    for dataset, here in by_dataset(cells).items():
        untrained = [cell["accuracy"]["untrained"] for cell in here]
        seeds = len({cell["seed"] for cell in here})
        values = [accuracy(here, name) for name in ("ucl", "h-ucl", "scl", "h-scl")]
        rows.append(
            [dataset, str(here[0]["graphs"][1]), str(seeds),
             *[f"{100 * v:.1f}" for v in (sum(untrained) / len(untrained), *values)]]
        )  # fmt: skip
    return (
        "SVM on the encoder's embeddings, held-out accuracy in %; H-UCL and H-SCL are means over "
        "their four hardenings. Differences of a few graphs mean nothing.\n\n"
        + table(
            ["data set", "held-out graphs", "splits", "untrained", "UCL", "H-UCL", "SCL", "H-SCL"],
            rows,
        )
        + "\n"
    )


def setting(collapse: Sequence[dict], orderings: Sequence[dict]) -> Iterator[str]:
    """Yield what was trained, and where it departs from the papers."""
    rows = []
    for kind, cells in (("collapse", collapse), ("orderings", orderings)):
        for dataset, here in by_dataset(cells).items():
            trained, held = here[0]["graphs"]
            sizes = sorted({cell["batch_size"] for cell in here})
            listed = [
                sizes,
                [-(-trained // size) for size in sizes],
                sorted({cell["epochs"] for cell in here}),
                sorted({cell["seed"] for cell in here}),
            ]
            rows.append(
                [kind, dataset, str(here[0]["classes"]), f"{trained} / {held}",
                 *[", ".join(map(str, values)) for values in listed], str(len(here)),
                 f"{sum(cell['seconds'] for cell in here) / 60:.0f}"]
            )  # fmt: skip
    yield table(
        ["grid", "data set", "classes", "training / held-out graphs", "batch", "steps per epoch",
         "epochs", "seeds", "cells", "minutes"],
        rows,
    )  # fmt: skip
    stopped = [cell for cell in (*collapse, *orderings) if cell["stopped"]]
    yield f"\nCells that stopped early because the loss was no longer finite: {len(stopped)}."
    steps = [cell["epochs"] * -(-cell["graphs"][0] // cell["batch_size"]) for cell in collapse]
    yield SETTING.format(steps=max(steps, default=0))


SETTING = """
Collapse: GIN 3×64 with mean read-out, projection head of two layers to C − 1 dimensions, one view
without augmentation, positives of the same label, T = 1, prefactor "mean", Adam 1e-3, 80 % of the
graphs, stratified, for training. "SCL type" takes negatives of other labels; "UCL type", the
latent-class reading, takes all other graphs of the batch. Metrics are taken in evaluation mode on
all training and on all held-out graphs; features are those behind the head.

Departures from the geometry paper: the expectation over negatives is exact where the paper draws
256 per positive pair (its weights are detached there, and so are ours); an anchor is neither its
own positive nor its own negative; batches are smaller, since an epoch of 512 has seven steps at
most here; and the training is shorter, {steps} steps at most, where the paper takes 401 epochs of
98 steps on CIFAR-100. Where the curves still rise, more would be reached.

Orderings: GIN 3×32 with sum read-out, head of two layers to 32 dimensions, unit sphere, T = .5, two
augmented views, prefactor "sum"; the four losses are logged with prefactor "mean" on two views of
each held-out graph, and all of them under each hardening, whatever was trained with.
"""
