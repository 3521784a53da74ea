"""docs/collapse.md, written from the committed results: verdicts, tables, figures, setting."""

from collections.abc import Iterator, Sequence

from benchmarks.pages.blocks import picture
from benchmarks.science.collapse.control import control_table, control_verdicts
from benchmarks.science.collapse.figures import CIFAR, CIFAR_BETAS
from benchmarks.science.collapse.orderings import accuracy, ordering_verdicts
from benchmarks.science.collapse.results import (
    TYPES,
    by_dataset,
    chosen,
    common_epoch,
    usual,
    value,
)
from benchmarks.science.collapse.verdicts import Verdict, collapse_verdicts
from benchmarks.science.collapse.words import ALIKE, CAPTIONS, HEAD, RULES, SETTING, TEMPERATURES
from benchmarks.science.table import table


def page(
    collapse: Sequence[dict],
    controls: Sequence[dict],
    orderings: Sequence[dict],
    drawn: Sequence[str],
    missing: Sequence[str] = (),
) -> str:
    """Return the whole text; `missing` names trials of the grid that are not trained."""
    parts = [HEAD, "## Verdicts\n"]
    if collapse:
        parts += ["The geometry paper:\n", verdict_table(list(collapse_verdicts(collapse))), RULES]
    if controls:
        verdicts = list(control_verdicts(collapse, controls))
        parts += ["Hardness or temperature:\n", verdict_table(verdicts), ALIKE]
    if orderings:
        parts += ["The H-SCL paper:\n", verdict_table(list(ordering_verdicts(orderings)))]
    main, asides = usual(collapse)
    epoch = common_epoch(main) if main else 0
    parts.append("## Figures\n")
    for name in drawn:
        parts.append(f"{picture(name, name)}\n\n*{CAPTIONS[name].format(epoch=epoch)}*\n")
    if main:
        parts += ["## The grid\n", *grid_tables(main)]
    if controls:
        parts += [TEMPERATURES, control_table(collapse, controls)]
    if asides:
        parts += ["### Other batch sizes and lengths\n", aside_table(asides)]
    if orderings:
        parts += ["## What the ordering encoders classify\n", accuracy_table(orderings)]
    parts += ["## Setting\n", *setting(collapse, controls, orderings, missing)]
    return "\n".join(parts).rstrip() + "\n"


def verdict_table(verdicts: Sequence[Verdict]) -> str:
    """Return claims, verdicts, reasons, and links to the figures."""
    rows = [
        [v.claim, f"**{v.verdict}**", v.reason, f"[{v.figure}](figures/{v.figure}-light.svg)"]
        for v in verdicts
    ]
    return table(["claim", "verdict", "why", "figure"], rows) + "\n"


def grid_tables(trials: Sequence[dict]) -> Iterator[str]:
    """Yield one table per data set: training / held out, per β, normalisation and type."""
    epoch = common_epoch(trials)
    yield (
        "Training graphs / held-out graphs. Accuracy is that of the nearest class mean (means of "
        f"training graphs), in %. Normalisations are compared at epoch {epoch}; where the ball was "
        "trained for longer, its last epoch follows.\n"
    )
    for dataset, here in by_dataset(trials).items():
        most = here[0]["classes"] - 1
        yield f"### {dataset}: {here[0]['classes']} classes, {most} dimensions\n"
        untrained = (chosen(here, normalize="ball") or here)[0]
        start = ", ".join(
            f"{name} {pair(untrained, measure, 0)}" for name, measure in MEASURES.items()
        )
        yield f"Untrained (ball): {start}.\n"
        betas = sorted({trial["beta"] for trial in here})
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


def pair(trial: dict, measure: str, epoch: int | None) -> str:
    """Return a value on training and on held-out graphs."""
    if trial["stopped"]:
        return "diverged"
    form = {
        "class_mean_accuracy": lambda v: f"{100 * v:.1f}",
        "live_dimensions": lambda v: f"{v:g}",
    }
    show = form.get(measure, lambda v: f"{v:.3f}")
    return " / ".join(show(value(trial, part, measure, epoch)) for part in ("train", "held_out"))


def aside_table(trials: Sequence[dict]) -> str:
    """Return the trials that are not of the grid: their settings and their last epoch."""
    rows = [
        [trial["dataset"], TYPES[trial["negatives"]], trial["normalize"], f"{trial['beta']:g}",
         str(trial["batch_size"]), str(trial["epochs"]), str(trial["seed"]),
         *[pair(trial, measure, None) for measure in MEASURES.values()]]
        for trial in sorted(trials, key=lambda c: (c["dataset"], c["negatives"], c["normalize"],
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


def accuracy_table(trials: Sequence[dict]) -> str:
    """Return held-out accuracies by objective, beside the untrained encoder."""
    rows = []
    for dataset, here in by_dataset(trials).items():
        untrained = [trial["accuracy"]["untrained"] for trial in here]
        seeds = len({trial["seed"] for trial in here})
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


def setting(
    collapse: Sequence[dict],
    controls: Sequence[dict],
    orderings: Sequence[dict],
    missing: Sequence[str],
) -> Iterator[str]:
    """Yield what was trained, and where it departs from the papers."""
    rows, grids = [], {"collapse": collapse, "controls": controls, "orderings": orderings}
    for kind, trials in grids.items():
        for dataset, here in by_dataset(trials).items():
            trained, held = here[0]["graphs"]
            sizes = sorted({trial["batch_size"] for trial in here})
            listed = [
                sizes,
                [-(-trained // size) for size in sizes],
                sorted({trial["epochs"] for trial in here}),
                sorted({trial["seed"] for trial in here}),
            ]
            rows.append(
                [kind, dataset, str(here[0]["classes"]), f"{trained} / {held}",
                 *[", ".join(map(str, values)) for values in listed], str(len(here)),
                 f"{sum(trial['seconds'] for trial in here) / 60:.0f}"]
            )  # fmt: skip
    yield table(
        ["grid", "data set", "classes", "training / held-out graphs", "batch", "steps per epoch",
         "epochs", "seeds", "trials", "minutes"],
        rows,
    )  # fmt: skip
    stopped = [trial for trial in (*collapse, *controls, *orderings) if trial["stopped"]]
    names = ", ".join(f"`{name}`" for name in missing) or "none"
    yield f"\nCells that stopped early because the loss was no longer finite: {len(stopped)}."
    yield f"Trials of the grid that are not trained: {names}."
    steps = [trial["epochs"] * -(-trial["graphs"][0] // trial["batch_size"]) for trial in collapse]
    yield SETTING.format(steps=max(steps, default=0))
