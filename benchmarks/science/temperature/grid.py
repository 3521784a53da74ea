"""The trials of the temperature benchmark, and the control of each hard one."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.science.temperature.sets import SETS, DataSet
from graph_hcl.benchmarking.spec import BenchmarkSpec, Method
from graph_hcl.benchmarking.trials import Trial, expand
from graph_hcl.geometry import equivalent_temperature

MEASURES = "benchmarks.science.temperature.measure"

TEMPERATURES = (0.5, 1.0, 0.2)
BETAS = (0.5, 1.0, 2.0, 5.0)
CURVE = (1.0, 0.5, 0.25, 0.1, 0.05, 0.025)
"""Temperatures of the plain loss alone: the curve that every hardening has to beat."""
FAMILIES = ("ucl", "scl", "ucl-held-out")
"""Transductive without labels, on held-out graphs with labels, and on those without."""
FACTOR_SETS = ("digits", "MSRC_21", "NCI1")
FORM_SETS = ("digits", "MSRC_21", "COIL-DEL")
WIDER = {1024: 4, 4110: 8}
"""Batch size → how many times as many epochs, since an epoch has fewer steps; NCI1 has 4110 graphs,
which are then all in one batch."""
FACTORS: dict[str, dict] = {
    "head": {"projection.layers": 2},
    "batch32": {"batch_size": 32},
    "batch1024": {"batch_size": 1024},
    "batch4110": {"batch_size": 4110},
    "hidden128": {"hidden": 128},
    "long": {},
    "mean": {"loss.negative_reduction": "mean"},
    "debiased": {"loss.tau_plus": 0.1},
    "oracle": {"loss.positives": "views"},
}
"""The one setting that differs from the core. "long" has four times as many epochs; "oracle" has
the views as its positives, and no negatives of the anchor's own class."""
FORMS: dict[str, tuple[float, ...]] = {
    "threshold": (0.9, 1.65, 2.72, 4.48),
    "effective-sample-size": (0.5, 0.25, 0.1, 0.035),
    "class-mass": (0.25, 0.5),
    "bell": (0.5, 0.7, 0.9, 1.1),
}
"""Hardenings without a β → values of their own setting: τ of threshold (cosines of −.05, .25, .5
and .75 at T = .5), the share, the bound, and the cosine at which the bell is highest."""
BELL_WIDTH = 1.0
"""Standard deviation of the bell, a cosine."""


@dataclass(frozen=True)
class Point:
    """A training: a data set, a family, a form of the loss, T, β, a seed and at most one factor.

    `form` is plain, exponential, detached, power, or a name in FORMS, whose own setting is `value`;
    untrained is the encoder before training.
    """

    dataset: str
    family: str
    form: str
    temperature: float
    beta: float = 0.0
    value: float | None = None
    factor: str = ""
    seed: int = 0

    @property
    def name(self) -> str:
        """The name, of all that distinguishes it."""
        strength = f"beta{self.beta:g}" if self.value is None else f"value{self.value:g}"
        parts = [self.family, self.dataset, self.form, f"T{self.temperature:g}", strength]
        return "_".join([*parts, *([self.factor] if self.factor else []), f"seed{self.seed}"])

    @property
    def set(self) -> DataSet:
        """The data set."""
        return SETS[self.dataset]

    @property
    def epochs(self) -> int:
        """The number of epochs."""
        if self.form == "untrained":
            return 0
        size = FACTORS[self.factor].get("batch_size") if self.factor else None
        return self.set.epochs * (4 if self.factor == "long" else WIDER.get(size or 0, 1))

    def control(self) -> "Point | None":
        """Return the plain loss at the equivalent temperature; None where there is no such one."""
        if self.form not in ("exponential", "detached", "power"):
            return None
        power = "power" if self.form == "power" else "exponential"
        lower = equivalent_temperature(
            self.temperature, self.beta, detach_weights=self.form == "detached", hardening=power
        )
        # Rounded, so that temperatures that coincide are one.
        lower = float(f"{lower:.6g}")
        return dataclasses.replace(self, form="plain", temperature=lower, beta=0.0)

    def settings(self) -> dict:
        """Return the settings of the trial by dotted name."""
        base = "scl" if self.family == "scl" else "ucl"
        hard = self.form not in ("plain", "untrained")
        settings = {
            "objective": f"h-{base}" if hard else base,
            "temperature": self.temperature,
            "epochs": self.epochs,
            "batch_size": 128,
            "hidden": 32,
            "layers": 3,
            "readout": "mean",
            "projection.layers": 0,
        }
        if hard:
            settings |= {"beta": self.beta} if self.value is None else self._hardening()
        if self.form == "power":
            settings["loss.hardening"] = "power"
        if self.form in ("detached", "bell"):
            settings["loss.detach_weights"] = True
        return settings | self.set.settings | (FACTORS[self.factor] if self.factor else {})

    def _hardening(self) -> dict:
        value, options = self.value or 0.0, {}
        if self.form == "threshold":
            options = {"tau": value}
        elif self.form == "effective-sample-size":
            options = {"share": value}
        elif self.form == "class-mass":
            options = {"bound": value, "prior": 1 / self.set.classes}
        elif self.form == "bell":  # which is given as logits
            options = {"mean": value / self.temperature, "width": BELL_WIDTH / self.temperature}
        return {"loss.hardening": self.form, "loss.hardening_options": options}

    def trial(self) -> Trial:
        """Return the trial."""
        measure = "Transductive" if self.family == "ucl" else "OnHeldOut"
        method = Method(
            settings=self.settings(), epochs=[self.epochs], measure=f"{MEASURES}:{measure}"
        )
        protocol = "transductive" if self.family == "ucl" else "inductive"
        (trial,) = expand(
            BenchmarkSpec(
                "temperature", [self.set.source], {self.name: method}, [protocol], seed=self.seed
            )
        )
        return trial


def plain(template: Point, temperatures: tuple[float, ...] = CURVE) -> Iterator[Point]:
    """Yield the plain loss at some temperatures."""
    for temperature in temperatures:
        yield dataclasses.replace(template, form="plain", temperature=temperature)


def with_controls(template: Point, form: str, betas: tuple[float, ...] = BETAS) -> Iterator[Point]:
    """Yield a form at the template's temperature, each point followed by its control."""
    for beta in betas:
        point = dataclasses.replace(template, form=form, beta=beta)
        yield point
        if (control := point.control()) is not None:
            yield control


def core(dataset: str, family: str, seed: int) -> Iterator[Point]:
    """Yield the exponential form over T and β with its controls, the curve and the untrained."""
    for temperature in TEMPERATURES:
        template = Point(dataset, family, "plain", temperature, seed=seed)
        yield from plain(template, (temperature,))
        yield from with_controls(template, "exponential")
    yield from plain(Point(dataset, family, "plain", 0.5, seed=seed))
    yield Point(dataset, family, "untrained", 0.5, seed=seed)


def factor(dataset: str, name: str, seed: int, family: str = "ucl") -> Iterator[Point]:
    """Yield the curve and the exponential form at T = .5 with one factor changed."""
    template = Point(dataset, family, "plain", 0.5, factor=name, seed=seed)
    yield from plain(template)
    yield from with_controls(template, "exponential")


def forms(dataset: str, seed: int) -> Iterator[Point]:
    """Yield the other forms, of the equivalent temperatures of the core where they have one."""
    for temperature in TEMPERATURES[:2]:
        template = Point(dataset, "ucl", "plain", temperature, seed=seed)
        for form in ("power", "detached"):
            yield from with_controls(template, form, tuple(2 * beta for beta in BETAS))
        for form, values in FORMS.items():
            for value in values if form != "threshold" or temperature == 0.5 else ():
                yield dataclasses.replace(template, form=form, value=value)
    for name in ("mean", "debiased"):
        yield from factor(dataset, name, seed)


def oracle(dataset: str, seed: int) -> Iterator[Point]:
    """Yield training without false negatives, and with them on the same graphs."""
    yield from factor(dataset, "oracle", seed, "scl")
    yield from factor(dataset, "", seed, "ucl-held-out")


def grid() -> list[Point]:
    """Return all points once: whatever is finished at any time is useful.

    >>> len(grid())
    3802
    """
    points: list[Point] = []
    for family in FAMILIES[:2]:
        for seed in range(max(each.seeds for each in SETS.values())):
            for name, each in SETS.items():
                if seed < each.seeds:
                    points += core(name, family, seed)
    for seed in range(3):
        for name in FORM_SETS:
            if seed < SETS[name].further_seeds:
                points += [*forms(name, seed), *oracle(name, seed)]
        for name in FACTOR_SETS:
            if seed < SETS[name].further_seeds:
                for changed in ("head", "batch32", "batch1024", "hidden128", "long"):
                    points += factor(name, changed, seed)
    points += factor("NCI1", "batch4110", 0)
    return list(dict.fromkeys(points))


def quick_grid() -> list[Point]:
    """Return a few points of digits, which take minutes."""
    template = Point("digits", "ucl", "plain", 0.5)
    points = [template, *with_controls(template, "exponential", (1.0, 5.0))]
    points += with_controls(template, "power", (10.0,))
    return list(dict.fromkeys(points))
