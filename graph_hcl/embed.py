"""Write the frozen embeddings of a run to a file."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Collection, Sequence
from pathlib import Path

from graph_hcl.cli import overridden_settings
from graph_hcl.commands import refuse_calls
from graph_hcl.config import Config, DataConfig
from graph_hcl.console import run_command
from graph_hcl.errors import UserError
from graph_hcl.files import as_path, check_writable, write_atomically
from graph_hcl.help_text import Example
from graph_hcl.kinds import parse_value
from graph_hcl.parser import TRUST_CODE, Parser
from graph_hcl.reproducible import deterministic
from graph_hcl.schema import setting_types
from graph_hcl.warn import warn_user

refuse_calls(__name__)
EXAMPLES = (
    Example(
        "runs/digits-h-ucl-0 --out digits.npz",
        "Writes `embeddings` [graphs, features] and `labels` [graphs] for numpy.load.",
    ),
    Example(
        "runs/digits-h-ucl-0 --out digits.parquet",
        "One row per graph: label, e0, e1, …, and id where graphs have names; .csv has the same.",
    ),
    Example(
        "runs/mine-h-ucl-0 --dataset new.smi --out new.parquet",
        "Embeds new molecules.",
    ),
    Example(
        "runs/mine-h-ucl-0 --dataset new.csv --data.smiles smiles --data.ids name --out new.csv",
        "Embeds the molecules of a table, and writes their names beside them.",
    ),
    Example(
        "runs/PROTEINS-h-scl-0 --part seed0-fold3 --out proteins.npz",
        "Embeds with the encoder of one fold.",
    ),
    Example(
        "runs/NCI1-ucl-0 --dataset NCI109 --out other.npz",
        "Embeds another data set: features are matched by name, and those with another meaning "
        "are an error.",
    ),
)

READING = {
    "data.undirected": "",
    "data.smiles": "",
    "data.targets": " They are written beside the embeddings; 'a,b' are two columns.",
    "data.ids": " They are written beside the embeddings.",
    "data.invalid": "",
    "data.options": " Those of the run are not taken over for another function.",
}
"""Settings that say how graphs are read, and what else their flags do here."""
OVERRIDES = ("dataset", "mirror", "data_dir", *READING, "device", "max_nodes")
"""Settings of the run that flags override."""
SUFFIXES = (".npz", ".parquet", ".csv")


def make_parser() -> Parser:
    """Return the parser of this command."""
    parser = Parser("embed", EXAMPLES, usage="RUN --out FILE ")
    parser.add_argument("run", type=str, metavar="RUN", help="Folder of a run.")
    parser.add_argument(
        "--out",
        type=str,
        required=True,
        metavar="FILE",
        help=".npz, .parquet or .csv file to write; an existing file is overwritten, the data "
        "themselves never.",
    )
    parser.add_setting("dataset")
    parser.add_argument(
        "--part",
        type=str,
        metavar="NAME",
        help="Trained part of the run, such as seed0 or seed0-fold3. Default: the first.",
    )
    for name in ("mirror", "data_dir"):
        parser.add_setting(name)
    for name, more in READING.items():
        parser.add_setting(name, more)
    parser.add_setting("device")
    parser.add_argument(
        "--max_nodes",
        type=int,
        metavar="INTEGER",
        help="Most nodes that are embedded at once; a larger graph is embedded alone. Default: the "
        "run's own, or 524288 and fewer where features are wide.",
    )
    parser.add_argument("--trust_code", action="store_true", help=TRUST_CODE)
    parser.add_argument(
        "--allow_changed_data",
        action="store_true",
        help="Embed although the run's own data set changed after training.",
    )
    return parser


def main(argv: Sequence[str]) -> None:
    """Embed all graphs of a data set with one trained model of a run."""
    flags = make_parser().read(argv)
    out = as_path(flags.out, "--out")
    if out.suffix.lower() not in SUFFIXES:
        raise UserError(
            f"Expected --out to end in .npz, .parquet or .csv, but got '{out.name}': rename it."
        )
    check_writable(out)

    from graph_hcl.data.sources import find_source
    from graph_hcl.embedding_files import WRITERS
    from graph_hcl.factory import find_device, load_graphs
    from graph_hcl.run import Run
    from graph_hcl.settings import make_config
    from graph_hcl.spec import describe_unread
    from graph_hcl.training import embed

    overrides = overridden_settings(flags, *OVERRIDES)
    for name in ("data.options", "data.targets"):
        if name in overrides:
            overrides[name] = parse_value(overrides[name], setting_types()[name])
    trust = flags.trust_code
    run = Run.open(flags.run, flags.allow_changed_data, trust_code=trust, **overrides)
    before = make_config(run.folder.config_path).dataset
    check_replaces_no_data(out, [run.config.dataset, before])
    if flags.dataset is None:
        run.check_place()
    config, part = run.config, run.find_part(flags.part)
    device, spec, model = find_device(config.device), run.spec(part), run.model(part)
    if (done := run.epoch(part)) < config.epochs:
        warn_user(f"{part} is trained for {done} of {config.epochs} epochs.")
    # Read the features that the encoder needs from any data set, and the labels unshuffled.
    attributes = any(c.name.startswith("node_attributes") for c in spec.vocabulary.node.columns)
    attributes &= "node_attributes" in find_source(config.dataset).takes
    data = config.data if flags.dataset is None else new_graphs(config, before, overrides)
    data = dataclasses.replace(data, node_attributes=attributes, random_labels=False)
    with deterministic(config.deterministic):
        store = load_graphs(dataclasses.replace(config, data=data))
        if flags.dataset is None:
            run.check_same_data(part, store.sha256)
        store = spec.prepare(store)
        if unread := describe_unread(store, spec, f"the backbone {config.backbone}"):
            warn_user(unread)
        embeddings = embed(model, store.to(device), device, max_nodes=config.max_nodes)
    write_atomically(out, lambda to: WRITERS[out.suffix.lower()](to, embeddings, store))
    print(f"{len(embeddings)} graphs × {embeddings.shape[1]} features: {out}")


def check_replaces_no_data(out: Path, datasets: Sequence[str]) -> None:
    """Raise `UserError` for a file to write that one of the data sets is read from."""
    from graph_hcl.data.fetch import place_files
    from graph_hcl.data.names import is_place

    for place in (as_path(name, "dataset") for name in datasets if is_place(name)):
        files = [file for file in place_files(place) if file.exists()] if out.exists() else []
        if any(out.samefile(file) for file in files):
            raise UserError(
                f"Expected --out to be another file than the data that are read, but got {out} for "
                "both: choose another name."
            )


def new_graphs(config: Config, before: str, given: Collection[str]) -> DataConfig:
    """Return how to read another data set than the run's own, which was called `before`.

    Settings that were `given` count. Of the others, those of the run that say what graphs are count
    for sources of the same kind, of columns those that the new table has, and arguments for the
    same function alone; labels are read only if asked for.
    """
    from graph_hcl.data.names import is_function, is_table, suffix_of
    from graph_hcl.data.sources import find_source
    from graph_hcl.data.tables import read_header

    source = find_source(config.dataset)
    inherited = {"undirected", "standardize"}
    if source.what == find_source(before).what:
        inherited |= {"smiles", "ids", "invalid", "options"}
    if is_function(config.dataset) and config.dataset != before:
        inherited -= {"options"}
    if is_table(config.dataset):
        table = as_path(config.dataset, "dataset")
        bare = suffix_of(table.name) == ".smi" or not table.is_file()
        header = [] if bare else read_header(table)
        inherited -= {
            name for name in ("smiles", "ids") if getattr(config.data, name) not in header
        }
    kept = {f.name for f in dataclasses.fields(config.data)} & inherited
    kept |= {name.removeprefix("data.") for name in given if name.startswith("data.")}
    return DataConfig(**{name: getattr(config.data, name) for name in kept})


if __name__ == "__main__":
    sys.exit(run_command(main))
