"""Verdicts on arXiv 2311.05139 from the results of the collapse benchmark.

Every verdict is computed by the rules written here; none is typed by hand.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.science.collapse.results import PARTS, TYPES, by_dataset, usual, value

FULL = 0.95
"""Share of the C − 1 dimensions that are live at neural collapse."""
FEW = 0.5
"""Dimensional collapse is less than this share of them."""
EQUAL = 0.05
"""Greatest mean deviation of the class means' cosines from −1/(C−1) that counts as a simplex."""
ROUNDING = 1e-5


@dataclass(frozen=True)
class Verdict:
    """A claim, whether it holds here, why, and the figure that shows it."""

    claim: str
    verdict: str
    reason: str
    figure: str


def graded(grades: Sequence[float]) -> str:
    """Return the word for grades in [0, 1]: 1 holds, 0 does not, anything between is a part.

    >>> graded([1, 1]), graded([0, 0]), graded([1, 0]), graded([0.5])
    ('holds', 'does not hold', 'partly', 'partly')
    """
    if not grades:
        return "not measured"
    if min(grades) == 1:
        return "holds"
    return "does not hold" if max(grades) == 0 else "partly"


def collapse_verdicts(trials: Sequence[dict]) -> Iterator[Verdict]:
    """Yield the verdicts on arXiv 2311.05139."""
    trials = [trial for trial in trials if trial["stopped"] is None]
    bounded = [trial for trial in trials if trial["normalize"] != "none"]
    gaps = [
        loss - trial["floor"]
        for trial in bounded
        for part in PARTS
        for name in ("scl", "h-scl")
        for loss in trial[part][name]
    ]
    below = [gap for gap in gaps if gap < -ROUNDING]
    yield Verdict(
        "SCL and H-SCL of features in the unit ball are never below the loss of neural collapse.",
        graded([float(not below)] if gaps else []),
        f"{len(below)} of {len(gaps)} losses measured are below log(1 + e^(−C/(C−1))); "
        f"the nearest is {min(gaps, default=0):+.4f} from it.",
        "collapse-losses",
    )
    pairs = [
        hard - plain
        for trial in trials
        for part in PARTS
        for kind in ("scl", "ucl")
        for hard, plain in zip(trial[part][f"h-{kind}"], trial[part][kind], strict=True)
    ]
    broken = [gap for gap in pairs if gap < -ROUNDING]
    yield Verdict(
        "For any representation the hardened losses are at least the plain ones.",
        graded([float(not broken)] if pairs else []),
        f"H-SCL < SCL or H-UCL < UCL in {len(broken)} of {len(pairs)} comparisons; the least "
        f"difference is {min(pairs, default=0):+.1e}.",
        "collapse-losses",
    )
    for negatives, name in (("label", "H-SCL"), ("all", "H-UCL (latent classes)")):
        yield _reaches([c for c in bounded if c["negatives"] == negatives], name)
    # Trials that were trained longer than others would make their β the best.
    yield _suitable([trial for trial in usual(trials)[0] if trial["normalize"] == "ball"])
    yield _collapses(
        [trial for trial in bounded if trial["beta"] == 0],
        "Without hard negatives the class means collapse to few dimensions.",
        "",
        "collapse-spectra",
    )
    free = [trial for trial in trials if trial["normalize"] == "none"]
    yield _collapses(
        free,
        "Without feature normalisation they collapse too, whatever β.",
        _beside(free, [trial for trial in trials if trial["normalize"] == "ball"]),
        "collapse-grid",
    )


def live(trial: dict) -> float:
    """Return the live dimensions of the class means of training graphs at the end."""
    return value(trial, "train", "live_dimensions")


def span(least: float, most: float) -> str:
    """Return both ends, or the one number that they are.

    >>> span(3, 5), span(5, 5)
    ('3 to 5', '5')
    """
    return f"{least:g}" if least == most else f"{least:g} to {most:g}"


def angle(trial: dict) -> float:
    """Return how far the cosines of these class means are from −1/(C−1) on average."""
    return value(trial, "train", "equal_inner_product")


def near_simplex(trial: dict) -> bool:
    """Tell whether the class means end near a simplex: equal angles in nearly all dimensions."""
    return live(trial) >= FULL * (trial["classes"] - 1) and angle(trial) <= EQUAL


def _reaches(trials: Sequence[dict], name: str) -> Verdict:
    """Grade 1 where some β > 0 ends near the simplex, ½ where it only comes nearer than β = 0."""
    grades, words = [], []
    for dataset, here in by_dataset(trials).items():
        hard, plain = [c for c in here if c["beta"] > 0], [c for c in here if c["beta"] == 0]
        if not hard or not plain:
            continue
        best = max(hard, key=lambda c: (near_simplex(c), -angle(c)))
        start = min(plain, key=angle)
        nearer = angle(best) < angle(start) and live(best) >= live(start)
        grades.append(1.0 if near_simplex(best) else 0.5 if nearer else 0.0)
        words.append(
            f"{dataset}: {live(best):g} of {best['classes'] - 1} dimensions, equal inner product "
            f"{angle(best):.3f} (β = {best['beta']:g}, {best['normalize']}, "
            f"{best['epoch'][-1]} epochs); without hard negatives {live(start):g} and "
            f"{angle(start):.3f}"
        )
    return Verdict(
        f"Adam on {name} with a suitable β and normalised features reaches neural collapse.",
        graded(grades),
        "; ".join(words) + ".",
        "collapse-grid",
    )


def _suitable(trials: Sequence[dict]) -> Verdict:
    """Grade 1 where neither the least nor the greatest β comes nearest to equal angles."""
    grades, words = [], []
    for dataset, here in by_dataset(trials).items():
        for negatives, kind in TYPES.items():
            found = [c for c in here if c["negatives"] == negatives]
            betas = sorted({trial["beta"] for trial in found})
            if len(betas) < 3:
                continue
            best = min(found, key=angle)["beta"]
            grades.append(float(best not in (betas[0], betas[-1])))
            words.append(f"{dataset}, {kind}: β = {best:g}")
    return Verdict(
        "The hardness has to suit: neither none nor the greatest is best.",
        graded(grades),
        f"Most equal angles in the unit ball at: {'; '.join(words)}.",
        "collapse-grid",
    )


def _collapses(trials: Sequence[dict], claim: str, note: str, figure: str) -> Verdict:
    """Grade 1 where less than half of the dimensions live, ½ where no simplex is reached."""
    grades, words = [], []
    for dataset, here in by_dataset(trials).items():
        most = max(here, key=live)
        reached = sum(map(near_simplex, here))
        few = live(most) < FEW * (most["classes"] - 1)
        grades.append(0.0 if reached else 1.0 if few else 0.5)
        least = min(map(live, here))
        words.append(
            f"{dataset}: {span(least, live(most))} of {most['classes'] - 1} dimensions, equal "
            f"inner product {min(map(angle, here)):.3f} at best, a simplex in {reached} of "
            f"{len(here)} trials"
        )
    return Verdict(claim, graded(grades), "; ".join(words) + "." + note, figure)


def _beside(free: Sequence[dict], ball: Sequence[dict]) -> str:
    """Return how often the same training in the ball has more equal angles at the same epoch."""
    names = ("dataset", "negatives", "beta", "seed", "batch_size")
    better = count = 0
    for trial in free:
        twins = [c for c in ball if all(c[name] == trial[name] for name in names)]
        twin = max(twins, key=lambda c: c["epochs"], default=None)
        if twin is None:
            continue
        epoch = max(set(trial["epoch"]) & set(twin["epoch"]))
        angles = [value(c, "train", "equal_inner_product", epoch) for c in (twin, trial)]
        better, count = better + (angles[0] < angles[1]), count + 1
    return f" The same training in the ball has more equal angles in {better} of {count} trials."
