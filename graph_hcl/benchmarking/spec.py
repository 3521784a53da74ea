"""Benchmark files: data sets × methods × repetitions × protocols."""

from __future__ import annotations

import dataclasses
import itertools
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from graph_hcl.config import Config
from graph_hcl.data.fetch import canonical_name
from graph_hcl.errors import UserError
from graph_hcl.layers import Layer, read_settings
from graph_hcl.registries import PROTOCOLS
from graph_hcl.registry import did_you_mean, match_ignoring_case, unknown_name
from graph_hcl.settings import make_config


@dataclass(frozen=True)
class Tune:
    """Random search: `trials` points of a fixed quasi-random sequence over `space`.

    A range is `{low: 0.001, high: 0.1, log: true}`, a choice is a list. All points are drawn before
    training: a sequential search over the validation parts of all folds would use graphs that
    other folds test.
    """

    trials: int
    space: dict[str, Any]


@dataclass(frozen=True)
class Method:
    """One row of the table: settings, and candidates that validation parts choose from.

    `config` is a YAML file of `graph_hcl.train`, `settings` go on top of it. Each point of `grid`
    (every combination of its lists) or of `tune`, at each of `epochs`, is a candidate. `baseline`
    names features or kernels that need no training (bag, wl-subtree, wl-oa or majority) and
    `measure` the import path of a `Measurement` that replaces the probe.
    """

    config: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    grid: dict[str, list[Any]] = field(default_factory=dict)
    tune: Tune | None = None
    epochs: list[int] = field(default_factory=list)
    baseline: str | None = None
    measure: str | None = None


@dataclass(frozen=True)
class BenchmarkSpec:
    """A benchmark file, read and checked.

    `common` are settings that every method starts from; `splits` is a folder of NAME_splits.json
    with fixed folds for the inductive protocol, which `fixed_folds` makes mandatory. `compare`
    lists the pairs of methods to compare; all pairs unless given.
    """

    name: str
    datasets: list[str]
    methods: dict[str, Method]
    protocols: list[str]
    repeats: int = 1
    seed: int = 0
    common: dict[str, Any] = field(default_factory=dict)
    splits: str | None = None
    fixed_folds: bool = False
    compare: list[list[str]] = field(default_factory=list)
    folder: Path = Path()

    def configs(
        self, name: str, dataset: str, protocol: str
    ) -> Iterator[tuple[dict[str, Any], Config]]:
        """Yield the point of the grid and the config, with the first seed, of each candidate."""
        method = self.methods[name]
        layers = [Layer(self.common, " in common")]
        if method.config is not None:
            file = self.folder / method.config
            if not file.is_file():
                raise UserError(f"The method '{name}': expected a config file, got {file}.")
            layers.append(read_settings(file))
        takes_splits = not PROTOCOLS.get(protocol).trains_on_test_graphs
        if takes_splits and self.fixed_folds and self.splits is None:
            raise UserError(
                f"{self.name} needs fixed folds: give their folder of NAME_splits.json with "
                "--splits or $GRAPH_HCL_SPLITS."
            )
        for point in _points(method):
            own = {"dataset": dataset, "protocol": protocol, "seed": self.seed, "repeats": 1}
            try:
                config = make_config(*layers, method.settings, point, own)
            except UserError as error:
                raise UserError(f"The method '{name}': {error}") from error
            if takes_splits and self.splits is not None:
                file = splits_file(Path(self.splits), dataset)
                probe = dataclasses.replace(config.probe, splits=str(file))
                config = dataclasses.replace(config, probe=probe)
            yield point, config


def read_benchmark(path: str | Path, splits: str | None = None) -> BenchmarkSpec:
    """Return the benchmark in a YAML file; `splits` overrides its folder of fixed folds.

    Raises `UserError` for another format, an unknown field, or an invalid method.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "tiny.yaml"
    >>> text = "{datasets: [MUTAG], methods: {ucl: {settings: {objective: ucl}}}}"
    >>> _ = file.write_text(text, encoding="utf-8")
    >>> read_benchmark(file).protocols
    ['transductive']
    """
    path = Path(path)
    try:
        given = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"Cannot read the benchmark file {path}: {error}") from error
    if not isinstance(given, dict):
        raise UserError(f"Expected {path} to name datasets and methods, but it is not a mapping.")
    fields = {"protocols": ["transductive"]} | given
    methods = fields.get("methods")
    if not isinstance(methods, dict) or not methods:
        raise UserError(f"Expected at least one method in {path}, under 'methods'.")
    fields["methods"] = {name: _method(name, given) for name, given in methods.items()}
    if splits is not None:
        fields["splits"] = splits
    spec = _build(BenchmarkSpec, {"name": path.stem, "folder": path.parent} | fields, str(path))
    if not (isinstance(spec.datasets, list) and spec.datasets):
        raise UserError(f"Expected a list of data sets in {path}, under 'datasets'.")
    for pair in spec.compare:
        if not isinstance(pair, list) or len(pair) != 2 or not set(pair) <= set(spec.methods):
            raise UserError(f"Expected pairs of methods under 'compare' in {path}, got {pair!r}.")
    unknown = [protocol for protocol in spec.protocols if protocol not in PROTOCOLS.names()]
    if unknown:
        raise UserError(
            f"Expected protocols of {', '.join(PROTOCOLS.names())}, but got '{unknown[0]}'."
        )
    return dataclasses.replace(spec, datasets=[canonical_name(str(d)) for d in spec.datasets])


def splits_file(folder: Path, dataset: str) -> Path:
    """Return the file of fixed folds of a data set; published ones call PROTEINS PROTEINS_full.

    Raises `UserError` where there is none.
    """
    files = [folder / f"{dataset}{middle}_splits.json" for middle in ("", "_full")]
    for file in files:
        if file.is_file():
            return file
    raise UserError(f"Expected fixed folds of {dataset} at {files[0]}, but there is no such file.")


def _method(name: str, given: Any) -> Method:
    where = f"the method '{name}'"
    if not isinstance(given, dict):
        raise UserError(
            f"Expected {where} to have config, settings or baseline, but got {given!r}."
        )
    if "control" in given:
        raise UserError(f"'control' is now 'baseline': rename it in {where}.")
    tune = given.get("tune")
    if tune is not None:
        given = given | {"tune": _build(Tune, tune, f"tune of {where}")}
    method = _build(Method, given, where)
    if method.grid and method.tune:
        raise UserError(f"Expected a grid or tune in {where}, not both.")
    if method.baseline is not None and method.measure is not None:
        raise UserError(f"Expected a baseline or measure in {where}, not both.")
    bad = [key for key, values in method.grid.items() if not isinstance(values, list)]
    if bad:
        raise UserError(f"Expected a list of values for '{bad[0]}' in the grid of {where}.")
    return method


def _build(kind: Any, given: Any, where: str) -> Any:
    known = [field.name for field in dataclasses.fields(kind)]
    for key in given if isinstance(given, dict) else []:
        if key not in known:
            raise UserError(f"Unknown field '{key}' in {where}.{did_you_mean(str(key), known)}")
    try:
        return kind(**given)
    except TypeError as error:
        reason = str(error).replace("__init__() ", "")
        raise UserError(f"Cannot read {where}: {reason}.") from error


def _points(method: Method) -> list[dict[str, Any]]:
    """Return the points of the grid or of the random search, by dotted name."""
    if method.tune is not None:
        return _draw(method.tune)
    names = list(method.grid)
    return [
        dict(zip(names, values, strict=True)) for values in itertools.product(*method.grid.values())
    ]


def _draw(tune: Tune) -> list[dict[str, Any]]:
    try:
        import optuna
    except ImportError as error:
        raise UserError("tune needs one more package: pip install optuna.") from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    space: dict[str, Any] = {}
    for name, values in tune.space.items():
        if isinstance(values, list):
            space[name] = optuna.distributions.CategoricalDistribution(values)
            continue
        whole = isinstance(values["low"], int) and isinstance(values["high"], int)
        kind = "IntDistribution" if whole else "FloatDistribution"
        space[name] = getattr(optuna.distributions, kind)(**values)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        sampler = optuna.samplers.QMCSampler(seed=0, warn_independent_sampling=False)
    study = optuna.create_study(sampler=sampler)
    return [dict(study.ask(space).params) for _ in range(tune.trials)]


def restricted(
    spec: BenchmarkSpec,
    datasets: Sequence[str] | None = None,
    methods: Sequence[str] | None = None,
    repeats: int | None = None,
) -> BenchmarkSpec:
    """Return the benchmark with some of its data sets and methods, and its first repetitions.

    None keeps all. The order is that of the benchmark, names ignore case, and pairs of `compare`
    without both methods are left out. Raises `UserError` for a name that is not in the benchmark,
    and for a number of repetitions out of range.

    >>> spec = BenchmarkSpec("tiny", ["MUTAG", "NCI1"], {"UCL": Method(), "H-UCL": Method()}, [])
    >>> list(restricted(spec, methods=["h-ucl"]).methods)
    ['H-UCL']
    """
    kept = _chosen("data set", datasets, spec.datasets)
    names = _chosen("method", methods, spec.methods)
    if repeats is not None and not 1 <= repeats <= spec.repeats:
        raise UserError(
            f"Expected --repeats to be 1 to {spec.repeats}, the repetitions of {spec.name}, but "
            f"got {repeats}."
        )
    return dataclasses.replace(
        spec,
        datasets=kept,
        methods={name: spec.methods[name] for name in names},
        repeats=spec.repeats if repeats is None else repeats,
        compare=[pair for pair in spec.compare if set(pair) <= set(names)],
    )


def _chosen(kind: str, wanted: Sequence[str] | None, known: Iterable[str]) -> list[str]:
    """Return the known names that are wanted; raise `UserError` for another one."""
    names = list(known)
    if wanted is None:
        return names
    canonical = [match_ignoring_case(name, names) for name in wanted]
    for name in canonical:
        if name not in names:
            raise unknown_name(kind, name, names)
    return [name for name in names if name in canonical]
