"""Benchmark files: data sets × methods × repetitions × protocols."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from graph_hcl.benchmarking.methods import MAX_POINTS, Method, build, read_method, repeated
from graph_hcl.config import Config
from graph_hcl.data.fetch import canonical_name
from graph_hcl.errors import UserError
from graph_hcl.files import as_path
from graph_hcl.kinds import format_value
from graph_hcl.layers import Layer, read_settings
from graph_hcl.registries import PROTOCOLS
from graph_hcl.registry import match_ignoring_case, unknown_name
from graph_hcl.settings import make_config
from graph_hcl.yaml_text import parse_yaml

MAX_REPEATS = 10_000
"""Largest number of repetitions."""
MAX_THREADS = 1024
"""Largest number of threads; of many more, the system ends the process."""
SPLITS_FROM = "--splits, 'splits' of the file or $GRAPH_HCL_SPLITS"
"""What names the folder of fixed folds."""


@dataclass(frozen=True)
class BenchmarkSpec:
    """A benchmark file, read and checked.

    `candidates` is the number of candidates of each method that has an encoder, trained or not;
    one with fewer settings and epochs draws its weights repeatedly. `common` are settings that
    every method starts from; `splits` is a folder of NAME_splits.json with fixed folds for the
    inductive protocol, which `fixed_folds` makes mandatory. `compare` lists the pairs of methods to
    compare; None is all pairs. A `development` benchmark serves to choose settings: its table
    has validation scores alone. A trial computes on so many `threads`, however many run at once.
    """

    name: str
    datasets: list[str]
    methods: dict[str, Method]
    protocols: list[str]
    repeats: int = 1
    seed: int = 0
    candidates: int | None = None
    common: dict[str, Any] = field(default_factory=dict)
    splits: str | None = None
    fixed_folds: bool = False
    compare: list[list[str]] | None = None
    development: bool = False
    threads: int = 1
    folder: Path = Path()

    def configs(
        self, name: str, dataset: str, protocol: str
    ) -> Iterator[tuple[dict[str, Any], Config]]:
        """Yield the point of the grid and the config, with the first seed, of each candidate."""
        method = self.methods[name]
        layers = [Layer(self.common, " in common")]
        if method.config is not None:
            file = self.folder / as_path(method.config, "config")
            if not file.is_file():
                raise UserError(f"The method '{name}': expected a config file, got {file}.")
            layers.append(read_settings(file))
        takes_splits = not PROTOCOLS.get(protocol).trains_on_test_graphs
        if takes_splits and self.fixed_folds and self.splits is None:
            raise UserError(
                f"{self.name} needs fixed folds: give their folder of NAME_splits.json with "
                "--splits or $GRAPH_HCL_SPLITS."
            )
        for point in method.candidates(name, self.candidates):
            own = {"dataset": dataset, "protocol": protocol, "seed": self.seed, "repeats": 1}
            try:
                config = make_config(*layers, method.settings, point, own)
            except UserError as error:
                raise UserError(f"The method '{name}': {error}") from error
            if takes_splits and self.splits is not None:
                file = splits_file(as_path(self.splits, "splits"), dataset)
                if config.probe.splits is not None:
                    raise UserError(
                        f"The method '{name}': expected its fixed folds once, but got probe.splits "
                        f"{config.probe.splits} and the folder {self.splits} ({SPLITS_FROM}): "
                        "leave one out."
                    )
                probe = dataclasses.replace(config.probe, splits=str(file))
                config = dataclasses.replace(config, probe=probe)
            yield point, config


def read_benchmark(
    path: str | Path, splits: str | None = None, otherwise: str | None = None
) -> BenchmarkSpec:
    """Return the benchmark in a YAML file.

    `splits` overrides its folder of fixed folds; `otherwise` is that of a file that names none.

    Raises `UserError` for another format, an unknown field, or an invalid method.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "tiny.yaml"
    >>> text = "{datasets: [MUTAG], methods: {ucl: {settings: {objective: ucl}}}}"
    >>> _ = file.write_text(text, encoding="utf-8")
    >>> read_benchmark(file).protocols
    ['transductive']
    """
    path = as_path(path, "path")
    try:
        given = parse_yaml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(
            f"Cannot read the benchmark file {path}: {error.strerror}; it is YAML such as "
            "configs/benchmark/quick.yaml."
        ) from error
    except ValueError as error:
        raise UserError(f"Cannot read the benchmark file {path}: {error}.") from error
    if not isinstance(given, dict):
        raise UserError(f"Expected {path} to name datasets and methods, but it is not a mapping.")
    if "folder" in given:
        raise UserError(f"Unknown field 'folder' in {path}: give the command --out.")
    fields: dict[str, Any] = {"protocols": ["transductive"]} | given
    methods = fields.get("methods")
    if methods and not isinstance(methods, dict):
        raise UserError(
            f"Expected 'methods' of {path} to be a mapping such as "
            "{UCL: {settings: {objective: ucl}}}, but got "
            f"{format_value(methods)}."
        )
    if not methods:
        raise UserError(f"Expected at least one method in {path}, under 'methods'.")
    if not all(isinstance(name, str) for name in methods):
        raise UserError(f"Expected methods by their names in {path}, but got {[*methods]}.")
    fields["methods"] = {
        name: read_method(name, _with_data_sets(given, path)) for name, given in methods.items()
    }
    if splits is not None:
        fields["splits"] = splits
    elif fields.get("splits") is None:
        fields["splits"] = otherwise
    spec: BenchmarkSpec = build(
        BenchmarkSpec, {"name": path.stem, "folder": path.parent} | fields, str(path)
    )
    if not (isinstance(spec.datasets, list) and spec.datasets):
        raise UserError(f"Expected a list of data sets in {path}, under 'datasets'.")
    if not spec.protocols:
        raise UserError(f"Expected a list of protocols in {path}, under 'protocols'.")
    if not spec.name.strip():
        raise UserError(f"Expected a name in {path}, under 'name', but got {spec.name!r}.")
    if spec.candidates is not None and not 1 <= spec.candidates <= MAX_POINTS:
        raise UserError(
            f"Expected candidates of 1 or more in {path}, and at most {MAX_POINTS:,}, but got "
            f"{format_value(spec.candidates)}."
        )
    if not 1 <= spec.repeats <= MAX_REPEATS or spec.seed < 0:
        raise UserError(
            f"Expected repeats of 1 to {MAX_REPEATS:,} and a seed of 0 or more in {path}, but got "
            f"{format_value(spec.repeats)} and {format_value(spec.seed)}."
        )
    if type(spec.threads) is not int or not 1 <= spec.threads <= MAX_THREADS:
        raise UserError(
            f"Expected threads of 1 to {MAX_THREADS:,} in {path}, but got {spec.threads!r}."
        )
    _check_pairs(spec, path)
    protocols = [PROTOCOLS.canonical(protocol) for protocol in spec.protocols]
    unknown = [protocol for protocol in protocols if protocol not in PROTOCOLS.names()]
    if unknown:
        raise UserError(
            f"Expected protocols of {', '.join(PROTOCOLS.names())}, but got '{unknown[0]}'."
        )
    datasets = [canonical_name(str(d)) for d in spec.datasets]
    spec = dataclasses.replace(spec, datasets=datasets, protocols=protocols)
    for kind, names in (("data sets", spec.datasets), ("protocols", spec.protocols)):
        if twice := repeated(names):
            raise UserError(
                f"Expected different {kind} in {path}, but got {format_value(twice[0])} twice: "
                "leave one out."
            )
    return spec


def _check_pairs(spec: BenchmarkSpec, path: Path) -> None:
    """Raise `UserError` for pairs under `compare` that are none, and for one in either order twice.

    Each would count as one more test in the correction of the p-values.
    """
    pairs = spec.compare or []
    for pair in pairs:
        if len(pair) != 2 or not set(pair) <= set(spec.methods) or pair[0] == pair[1]:
            raise UserError(
                f"Expected pairs of methods under 'compare' in {path}, each of two different ones, "
                f"but got {format_value(pair)}."
            )
    if twice := repeated([sorted(pair) for pair in pairs]):
        raise UserError(
            f"Expected each pair once under 'compare' in {path}, in one order, but got "
            f"{' and '.join(map(repr, twice[0]))} twice: leave one out."
        )


def _with_data_sets(method: Any, path: Path) -> Any:
    """Return a method's fields; a benchmark file under `selected_on` stands for its data sets."""
    file = method.get("selected_on") if isinstance(method, dict) else None
    if not isinstance(file, str):
        return method
    try:
        place = path.parent / as_path(file, "selected_on")
        given = parse_yaml(place.read_text(encoding="utf-8"))
        return method | {"selected_on": list(given["datasets"])}
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UserError(
            f"Expected selected_on in {path} to be a list of data sets or a benchmark file, but "
            f"cannot read {file}: {error}."
        ) from error


def splits_file(folder: Path, dataset: str) -> Path:
    """Return the file of fixed folds of a data set; published ones call PROTEINS PROTEINS_full.

    Raises `UserError` where there is none.
    """
    files = [folder / f"{dataset}{middle}_splits.json" for middle in ("", "_full")]
    for file in files:
        if file.is_file():
            return file
    raise UserError(
        f"Expected fixed folds of {dataset} at {files[0]}, but there is no such file: add it, or "
        f"change what names the folder ({SPLITS_FROM})."
    )


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
        compare=None if spec.compare is None else _among(spec.compare, names),
    )


def _among(pairs: list[list[str]], names: list[str]) -> list[list[str]]:
    return [pair for pair in pairs if set(pair) <= set(names)]


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
