"""Reproduce a table."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graph_hcl.commands import refuse_calls
from graph_hcl.console import run_command
from graph_hcl.errors import UserError
from graph_hcl.help_text import Example
from graph_hcl.parser import Parser
from graph_hcl.warn import warn_user

if TYPE_CHECKING:
    from graph_hcl.benchmarking.folder import TrialFolder
    from graph_hcl.benchmarking.spec import BenchmarkSpec
    from graph_hcl.benchmarking.trials import Trial

refuse_calls(__name__)
EXAMPLES = (
    Example(
        "configs/benchmark/quick.yaml",
        "Takes a few minutes on MUTAG; the same command resumes after an interruption.",
    ),
    Example(
        "configs/benchmark/transductive.yaml --dry-run",
        "Lists the trials and estimates the time they take.",
    ),
    Example(
        "configs/benchmark/transductive.yaml --jobs 2 --out results/mine",
        "Runs two processes; others, on any machine, may work in the same folder.",
    ),
    Example(
        "configs/benchmark/transductive.yaml --out results/mine --table",
        "Writes the tables of the finished trials as Markdown, CSV and LaTeX.",
    ),
    Example(
        "configs/benchmark/transductive.yaml --out results/mine --gather",
        "Moves the finished trials into one sorted file, results/mine.jsonl.",
    ),
    Example(
        "configs/benchmark/transductive.yaml --shard 3/20",
        "Runs the third of twenty shards, for a job array.",
    ),
    Example(
        "configs/benchmark/transductive.yaml --datasets MUTAG NCI1 --methods UCL H-UCL --repeats 2",
        "Runs two methods on two data sets with two repetitions, and writes their tables.",
    ),
    Example(
        "configs/benchmark/quick.yaml --compare-to results/before",
        "Says which trials have the scores of another folder, and which differ: comparison.md.",
    ),
)


def main(argv: Sequence[str]) -> None:
    """Run the unfinished trials of a benchmark, then write and print its tables."""
    parser = make_parser()
    flags = parser.read(argv)
    _check(flags, {flag.name: flag.typed for flag in parser.split(argv)[0]})

    from graph_hcl.benchmarking.checks import check_settings, check_trials
    from graph_hcl.benchmarking.folder import TrialFolder
    from graph_hcl.benchmarking.spec import read_benchmark, restricted
    from graph_hcl.benchmarking.trials import expand
    from graph_hcl.benchmarking.workers import run_trials
    from graph_hcl.files import as_path, safe_name

    spec = read_benchmark(flags.file, flags.splits, os.environ.get("GRAPH_HCL_SPLITS"))
    check_settings(spec)
    spec = restricted(spec, flags.datasets, flags.methods, flags.repeats)
    trials = expand(spec)
    if left_out := sorted(set(spec.methods) - {trial.method for trial in trials}):
        warn_user(
            f"Left out: {', '.join(left_out)}, which read labels, of the protocol "
            f"{' and '.join(spec.protocols)}: add the protocol inductive."
        )
    usual = Path("runs") / safe_name(str(spec.name))
    folder = TrialFolder(as_path(flags.out or usual, "--out"))
    shard = _shard(trials, flags.shard)
    if flags.dry_run:
        check_trials(_unfinished(shard, folder), spec.development, device=False)
        print(_listing(shard, folder, flags.jobs))
        return
    if flags.gather:
        print(f"{folder.gather()} trials: {folder.gathered_file}")
        return
    if flags.compare_to is not None:
        print(_compare(trials, folder, flags.compare_to))
        return
    if not flags.table:
        check_trials(_unfinished(shard, folder), spec.development, flags.engine == "local")
        run_trials(shard, folder, flags.jobs, flags.engine)
    print(_write_tables(spec, trials, folder))


def make_parser() -> Parser:
    """Return the parser of this command."""
    parser = Parser("benchmark", EXAMPLES, usage="FILE.yaml ")
    parser.add_argument(
        "file", type=str, metavar="FILE", help="YAML file of data sets, methods and seeds."
    )
    parser.add_argument(
        "--out", type=str, metavar="FOLDER", help="Folder of the trials. Default: runs/NAME."
    )
    parser.add_argument(
        "--jobs", type=int, metavar="INTEGER", default=1, help="Number of parallel processes."
    )
    parser.add_argument(
        "--engine",
        type=str,
        metavar="NAME",
        default="local",
        help="What runs the trials: local for processes on this machine, or ray with its extra.",
    )
    parser.add_argument(
        "--shard",
        type=str,
        metavar="i/n",
        help="Run one share of the trials: every n-th from the i-th on, with 1 ≤ i ≤ n. Default: "
        "all of them.",
    )
    parser.add_argument(
        "--splits",
        type=str,
        metavar="FOLDER",
        help="Folder of fixed folds, one NAME_splits.json per data set. Default: that of the file, "
        "or else $GRAPH_HCL_SPLITS.",
    )
    parser.add_argument(
        "--dry_run", action="store_true", help="List the trials without running them."
    )
    parser.add_argument(
        "--table", action="store_true", help="Write the tables without running trials."
    )
    parser.add_argument(
        "--gather",
        action="store_true",
        help="Move finished trials into FOLDER.jsonl without running any.",
    )
    parser.add_argument(
        "--compare_to",
        type=str,
        metavar="FOLDER",
        help="Compare finished trials with those of another folder, or of its FOLDER.jsonl, "
        "without running any.",
    )
    for name, kind in (("datasets", "data sets"), ("methods", "methods")):
        text = f"Run only these {kind} of the file, by the names that it gives them. Default: all."
        parser.add_argument(f"--{name}", type=list[str], metavar="NAME …", help=text)
    parser.add_argument(
        "--repeats",
        type=int,
        metavar="INTEGER",
        help="Run only the first repetitions of the file. Default: all.",
    )
    return parser


MODES = ("dry_run", "table", "gather", "compare_to")
"""Flags that replace running the trials."""
WITHOUT_EFFECT = {
    "dry_run": ("engine",),
    "table": ("shard", "jobs", "engine"),
    "gather": ("shard", "jobs", "engine", "datasets", "methods", "repeats"),
    "compare_to": ("shard", "jobs", "engine"),
}
"""Flags that a mode does not read."""


def _check(flags: Any, typed: Mapping[str, str]) -> None:
    """Raise `UserError` for values out of range and flags that exclude each other."""
    if flags.jobs < 1:
        raise UserError(f"Expected --jobs to be 1 or more, but got {flags.jobs}.")
    if flags.engine not in ("local", "ray"):
        raise UserError(f"Expected --engine to be local or ray, but got '{flags.engine}'.")
    modes = [mode for mode in MODES if mode in typed]
    if len(modes) > 1:
        raise UserError(
            "Expected one of --dry-run, --table, --gather and --compare-to, but got several."
        )
    for mode in modes:
        for name in WITHOUT_EFFECT[mode]:
            if name in typed:
                raise UserError(
                    f"Expected no {typed[name]} with {typed[mode]}, where it has no effect: "
                    "leave it out."
                )


def _shard(trials: list[Trial], shard: str | None) -> list[Trial]:
    if shard is None:
        return trials
    match = re.fullmatch(r"(\d+)/(\d+)", shard)
    if not match or not 1 <= int(match[1]) <= int(match[2]):
        raise UserError(f"Expected --shard to be i/n with 1 ≤ i ≤ n, but got '{shard}'.")
    return trials[int(match[1]) - 1 :: int(match[2])]


def _unfinished(trials: list[Trial], folder: TrialFolder) -> list[Trial]:
    return [trial for trial in trials if not folder.is_finished(trial)]


def _listing(trials: list[Trial], folder: TrialFolder, jobs: int) -> str:
    """Return one line per trial, and an estimate of the remaining time."""
    from graph_hcl.benchmarking.estimate import estimate
    from graph_hcl.progress import duration

    lines, todo, done = [], [], []
    for trial in trials:
        record = folder.read(trial)
        if record is None:
            todo.append(trial)
        else:
            done.append((trial, record))
        point = ", ".join(f"{name}={value}" for name, value in trial.point.items())
        state = "todo" if record is None else "done"
        columns = f"{trial.dataset:16s} {trial.protocol:12s} {trial.method:20s}"
        lines.append(f"{state} {trial.name} {columns} seed {trial.config.seed} {point}".rstrip())
    left = f"; about {duration(max(1, estimate(todo, done) / jobs))} left" if todo else ""
    lines.append(f"\n{len(trials)} trials, {len(done)} finished{left}.")
    return "\n".join(lines)


def _compare(trials: list[Trial], folder: TrialFolder, other: str) -> str:
    """Write the comparison of the trials with those of another folder; return its text.

    Raises `UserError` for the same folder, and for one without trials.
    """
    from graph_hcl.benchmarking.comparison import compare_folders, open_records
    from graph_hcl.benchmarking.comparison_page import page
    from graph_hcl.files import write_text

    if not any(folder.is_finished(trial) for trial in trials):
        raise UserError(
            f"Expected finished trials to compare in {folder.path}, but there are none: run them, "
            "or name their folder with --out."
        )
    second = open_records(other)
    if second.path.resolve() == folder.path.resolve():
        raise UserError(
            f"Expected --compare-to to be another folder than that of the trials, but got {other} "
            "for both: name one of them with --out."
        )
    text = page(compare_folders(trials, folder, second))
    write_text(folder.path / "comparison.md", text + "\n")
    return text


def _write_tables(spec: BenchmarkSpec, trials: list[Trial], folder: TrialFolder) -> str:
    """Write all tables to the folder of the trials; return the text to print.

    Raises `UserError` when trials could not be run.
    """
    from graph_hcl.benchmarking.folder import last_sentence
    from graph_hcl.benchmarking.mixtures import mixtures
    from graph_hcl.benchmarking.table_files import write_tables
    from graph_hcl.benchmarking.tables import all_tables, development_tables
    from graph_hcl.files import write_text

    records = [(trial, folder.read(trial)) for trial in trials]
    errors = [(trial, folder.read_error(trial)) for trial, record in records if record is None]
    problems = [
        f"{trial.dataset}, {trial.method}: {text.strip()}" for trial, text in errors if text
    ]
    chosen_here = spec.development
    tables = development_tables(records) if chosen_here else all_tables(records, spec.compare)
    found = [record for _, record in records if record is not None]
    mixed = mixtures(found)
    count = f"{len(found)} of {len(trials)} trials are finished"
    if tables:
        left = [f"{count}."] if len(found) < len(trials) else []
        page = "\n\n".join([*(table.markdown() for table in tables.values()), *mixed, *left])
        write_tables(folder.path / "tables", tables, found)
        write_text(folder.path / "tables.md", page + "\n")
    first = next(iter(tables), "").partition("-")[2]  # the first metric, of any protocol
    shown = [table.markdown() for name, table in tables.items() if name.endswith(f"-{first}")]
    lines = [
        *shown,
        *mixed,
        f"{count}; tables: {folder.path}",
    ]
    if problems:
        print("\n\n".join(lines))
        first = last_sentence(problems[0])
        failed = f"{len(problems)} trial{'s' if len(problems) > 1 else ''}"
        raise UserError(
            f"{failed} could not be run, for example {first} The same command runs "
            f"{'them' if len(problems) > 1 else 'it'} again."
        )
    return "\n\n".join(lines)


if __name__ == "__main__":
    sys.exit(run_command(main))
