"""Verdicts on arXiv 2209.00078 and their figures, from the ordering trials."""

from collections.abc import Iterator, Sequence
from statistics import median

import torch
from matplotlib.figure import Figure

from benchmarks.science.collapse.results import by_dataset, chosen
from benchmarks.science.collapse.verdicts import ROUNDING, Verdict, graded
from graph_hcl import geometry, plot

EVEN = 0.01
"""Gains of accuracy below this count as none."""
OBJECTIVES = {"ucl": None, "h-ucl": "beta1", "scl": None, "h-scl": "beta1"}
ETAS = {"beta1": "β = 1", "beta2": "β = 2", "tau0.61": "τ = e^−.5", "tau0.90": "τ = e^−.1"}


def anchors_in_order(seen: geometry.AnchorStatistics) -> dict[str, float]:
    """Return the share of anchors under Assumption 1, and of these, and of the others, how many
    have H-SCL ≤ H-UCL; a share of no anchors is left out."""
    both = torch.isfinite(seen.same.number) & torch.isfinite(seen.other.number)
    under, every = seen.assumption_1(), seen.same.join(seen.other).hardened()[both]
    # The loss of an anchor rises with the log of what its negatives weigh.
    ordered = seen.other.hardened()[both] <= every + seen.rounding()[both]
    shares = {
        "assumption_1": under.double().mean(),
        "ordered_under": ordered[under].double().mean(),
        "ordered_else": ordered[~under].double().mean(),
    }
    return {name: float(share) for name, share in shares.items() if not share.isnan()}


def measurements(trials: Sequence[dict], name: str) -> Iterator[list[float]]:
    """Yield a column of each trial under each hardening."""
    for trial in trials:
        for found in trial["by_hardening"].values():
            yield found[name]


def rows(trials: Sequence[dict], *names: str) -> list[tuple[float, ...]]:
    """Return some values of every measurement under every hardening, of all trials."""
    parts = [measurements(trials, name) for name in names]
    return [row for group in zip(*parts, strict=True) for row in zip(*group, strict=True)]


def ordering_verdicts(trials: Sequence[dict]) -> Iterator[Verdict]:
    """Yield the verdicts on arXiv 2209.00078."""
    for kind in ("ucl", "scl"):
        found = rows(trials, f"h-{kind}", kind)
        broken = [1 for hard, plain in found if hard < plain - ROUNDING]
        yield Verdict(
            f"H-{kind.upper()} is at least {kind.upper()}.",
            graded([float(not broken)] if found else []),
            "By construction: weights that rise with the similarity raise the mean of the "
            "negatives. "
            f"It is smaller in {len(broken)} of {len(found)} comparisons.",
            "collapse-orderings",
        )
    found = [share for share in rows(trials, "ordered_under", "ordered_else") if None not in share]
    under = [a for a, _ in found]
    whole = rows(trials, "assumption_1", "h-scl", "h-ucl")
    held = [1 for _, scl, ucl in whole if scl <= ucl + ROUNDING]
    share = len(held) / max(1, len(whole))
    full = [row for row in whole if row[0] == 1]
    shares = [row[0] for row in whole]
    yield Verdict(
        "Where an anchor satisfies Assumption 1, its H-SCL is at most its H-UCL.",
        graded([float(min(under) == 1)] if under else []),
        "By construction: of one anchor, the assumption is equivalent to this order, so the "
        f"numbers check the code alone. So for at least {min(under, default=0):.1%} of the anchors "
        "that satisfy it and at most "
        f"{max((b for _, b in found), default=0):.1%} of the others, in each of {len(under)} "
        f"measurements. All anchors satisfy it at once in {len(full)} of them.",
        "collapse-assumption",
    )
    yield Verdict(
        "Most anchors satisfy it, so that H-UCL bounds H-SCL on the whole.",
        graded([share == 1 if share in (0, 1) else 0.5] if whole else []),
        f"{min(shares, default=0):.0%} to {max(shares, default=0):.0%} of the anchors satisfy it, "
        f"{median(shares or [0]):.0%} in the median; mean H-SCL ≤ mean H-UCL in {len(held)} of "
        f"{len(whole)} measurements, which is no identity: the other anchors have the reverse "
        "order.",
        "collapse-assumption",
    )
    over = [1 for scl, ucl in rows(trials, "h-scl", "ucl") if scl > ucl + ROUNDING]
    total = len(rows(trials, "h-scl", "ucl"))
    yield Verdict(
        "UCL does not bound H-SCL.",
        graded([float(bool(over))] if total else []),
        f"H-SCL > UCL in {len(over)} of {total} measurements.",
        "collapse-orderings",
    )
    yield from _proxies(trials)
    yield from _accuracies(trials)


def _proxies(trials: Sequence[dict]) -> Iterator[Verdict]:
    """Yield whether H-SCL ends lower under H-UCL than under UCL, and whether UCL lowers it too."""
    better, helpless, words = [], [], []
    for dataset, here in by_dataset(trials).items():
        plain = {trial["seed"]: trial for trial in here if trial["objective"] == "ucl"}
        ends: list[str] = []
        for trial in chosen(here, objective="h-ucl"):
            eta, seed = trial["hardening"], trial["seed"]
            if seed not in plain:
                continue
            # Both start from the same untrained encoder.
            hard, soft = (c["by_hardening"][eta]["h-scl"] for c in (trial, plain[seed]))
            better.append(float(hard[-1] < soft[-1]))
            helpless.append(float(soft[-1] >= soft[0]))
            if seed == 0:
                ends.append(f"{ETAS[eta]}: {hard[0]:.3f}, {hard[-1]:.3f}, {soft[-1]:.3f}")
        if ends:
            words.append(f"{dataset} {'; '.join(ends)}")
    yield Verdict(
        "Minimising H-UCL brings H-SCL further down than minimising UCL.",
        graded(better),
        f"So in {sum(better):g} of {len(better)} pairs. H-SCL untrained, after H-UCL, after UCL, "
        f"seed 0: {'. '.join(words)}.",
        "collapse-orderings",
    )
    yield Verdict(
        "Minimising UCL does not bring H-SCL down.",
        graded(helpless),
        f"It ends lower than it began in {len(helpless) - sum(helpless):g} of {len(helpless)} "
        "trainings with UCL.",
        "collapse-orderings",
    )


def accuracy(trials: Sequence[dict], objective: str) -> float:
    """Return the mean held-out accuracy of the trained encoders of an objective."""
    found = [c["accuracy"]["trained"] for c in trials if c["objective"] == objective]
    return sum(found) / len(found) if found else float("nan")


def _accuracies(trials: Sequence[dict]) -> Iterator[Verdict]:
    for better, worse in (("h-scl", "scl"), ("h-scl", "h-ucl"), ("h-ucl", "ucl")):
        grades, words = [], []
        for dataset, here in by_dataset(trials).items():
            a, b = accuracy(here, better), accuracy(here, worse)
            if a == a and b == b:
                grades.append(float(a - b >= EVEN))
                words.append(f"{dataset}: {100 * a:.1f} and {100 * b:.1f}")
        yield Verdict(
            f"{better.upper()} classifies better than {worse.upper()}, by a percentage point.",
            graded(grades),
            "; ".join(words) + " % of held-out graphs.",
            "collapse-orderings",
        )


def four_losses(trials: Sequence[dict]) -> Figure:
    """Draw UCL, H-UCL, SCL, H-SCL (β = 1) on held-out graphs by epoch, by what was trained with."""
    sets = by_dataset(trials)
    figure = Figure(figsize=(10.5, 2.5 * len(sets)))
    axes = figure.subplots(len(sets), len(OBJECTIVES), squeeze=False, sharey="row", sharex=True)
    for row, (dataset, here) in enumerate(sets.items()):
        for column, (objective, eta) in enumerate(OBJECTIVES.items()):
            ax = axes[row, column]
            for trial in chosen(here, objective=objective, hardening=eta, seed=0)[:1]:
                names = trial["by_hardening"]["beta1"]
                seen = [
                    {"epoch": epoch} | {name: names[name][k] for name in plot.curves.LOSSES}
                    for k, epoch in enumerate(trial["epoch"])
                ]
                plot.losses(seen, ax=ax)
            ax.set(title=f"{dataset}, trained with {objective.upper()}")
            ax.set_xlabel("epoch" if row == len(sets) - 1 else "")
            ax.set_ylabel("loss, held out" if column == 0 else "")
    return figure


def assumption(trials: Sequence[dict]) -> Figure:
    """Draw the fraction of held-out anchors under Assumption 1 by epoch, one line per hardening."""
    sets = by_dataset(trials)
    figure = Figure(figsize=(10.5, 2.5 * len(sets)))
    axes = figure.subplots(len(sets), len(OBJECTIVES), squeeze=False, sharey=True, sharex=True)
    for row, (dataset, here) in enumerate(sets.items()):
        for column, objective in enumerate(OBJECTIVES):
            ax = axes[row, column]
            found = {}
            for eta, name in ETAS.items():
                # An objective that hardens is measured with the hardening it was trained with.
                wanted = eta if objective.startswith("h-") else None
                for trial in chosen(here, objective=objective, hardening=wanted, seed=0)[:1]:
                    values = trial["by_hardening"][eta]["assumption_1"]
                    found[name] = [
                        {"epoch": epoch, "share": share}
                        for epoch, share in zip(trial["epoch"], values, strict=True)
                    ]
            plot.compare(found, "share", "share of anchors", ax)
            ax.set(title=f"{dataset}, trained with {objective.upper()}", ylim=(0, 1.03))
            ax.set_xlabel("epoch" if row == len(sets) - 1 else "")
            ax.set_ylabel("anchors under Assumption 1" if column == 0 else "")
    return figure
