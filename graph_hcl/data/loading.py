"""Load graphs by the name of a data set, a file, a folder, or a function."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from graph_hcl.data.assemble import both_ways
from graph_hcl.data.fetch import canonical_name, place_text
from graph_hcl.data.names import namesake, short_name
from graph_hcl.data.sources import Request, check_options, find_source
from graph_hcl.data.store import GraphStore
from graph_hcl.errors import UserError
from graph_hcl.keywords import names_arguments
from graph_hcl.warn import warn_user


@names_arguments()
def load(
    source: str | Path,
    *,
    data_dir: str | Path | None = None,
    mirror: str | Path | None = None,
    node_attributes: bool = False,
    undirected: bool = False,
    smiles: str | None = None,
    targets: str | Sequence[str] | None = None,
    ids: str | None = None,
    groups: str | None = None,
    invalid: Literal["error", "skip"] = "error",
    labels: Literal["auto", "classes", "numbers"] = "auto",
    options: Mapping[str, Any] | None = None,
) -> GraphStore:
    """Return the graphs that a name, a path or an import path stands for.

    ==========================================  ====================================================
    `MUTAG`, `NCI1`, …                          a TU data set; with `node_attributes`, its
                                                continuous attributes as well as its labels
    `ogbg-molhiv`, …                            molecules of the Open Graph Benchmark
    `digits`                                    scikit-learn's handwritten digits as graphs
    a .csv, .tsv or .parquet file               molecules in the column `smiles`, with the columns
                                                `targets` and `ids`; may end in .gz
    a .smi file                                 one SMILES a line, and after it perhaps a name
    a .jsonl file                               one graph a line, see `Lines`
    a folder of .graphml, .gexf or .edgelist    one graph a file, in the order of their names; one
                                                that is called like a data set is written ./MUTAG
    `package.module:function`                   what the function returns, see `as_store`
    ==========================================  ====================================================

    Args:
        source: a name, a path or an import path, as above.
        data_dir: folder that data sets are cached in; by default $GRAPH_HCL_DATA or
            ~/.cache/graph_hcl.
        mirror: URL or folder of NAME.zip files; by default $GRAPH_HCL_TU_MIRROR,
            $GRAPH_HCL_OGB_MIRROR or the official site.
        node_attributes: continuous node attributes of a TU data set as well as its node labels.
        undirected: adds missing reverse edges; otherwise one warning counts them.
        smiles: column of the molecules.
        targets: one column, for y [G], or a list of them, for y [G, tasks] in which NaN marks a
            missing entry.
        ids: column of the names of the graphs.
        groups: column of a table or of a folder's labels.csv, or key of the lines of a .jsonl file,
            that tells which graphs belong together; "scaffold", where no column is called so,
            stands for the Bemis-Murcko scaffolds of a table's molecules.
        invalid: "skip" leaves out what is no molecule, with a warning.
        labels: with "auto", whole numbers and words in one column are classes, in y as positions
            among their sorted values `classes`, and other numbers are real targets; "classes" and
            "numbers" say so.
        options: further arguments of a function, or of `GraphStore.from_networkx` for a folder.

    Raises `UserError` for an unknown name, no network, files that are missing or damaged, what is
    no molecule, with its line, and for an option that the source does not take.

    >>> store = load("MUTAG")
    >>> len(store), store.num_features, store.num_classes
    (188, 7, 2)
    """
    if not isinstance(source, str | Path):
        raise UserError(
            f"Expected a name, a path or an import path to load, but got {type(source).__name__}: "
            "as_store takes graphs."
        )
    for option, value in (("node_attributes", node_attributes), ("undirected", undirected)):
        if not isinstance(value, bool):
            raise UserError(f"Expected {option} to be true or false, but got {value!r}.")
    data_dir, mirror = place_text("data_dir", data_dir), place_text("mirror", mirror)
    name = canonical_name(str(source), data_dir, mirror)
    place = namesake(str(source))
    if place and isinstance(source, Path):  # which is a place, and cannot begin with ./ itself
        name, place = f"./{source}", ""
    request = Request(
        name,
        data_dir=data_dir,
        mirror=mirror,
        node_attributes=node_attributes,
        smiles=smiles,
        targets=targets,
        ids=ids,
        groups=groups,
        invalid=invalid,
        labels=labels,
        options=options or {},
    )
    reader = find_source(name)
    if place:
        warn_user(
            f"'{source}' is read as {re.sub('^an? ', 'the ', reader.what)}, not as the {place} of "
            f"that name: for the {place} write ./{source}."
        )
    check_options(reader, request)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".* no reverse edge")  # told below, for all
        store = reader.read(request)
    store = replace(store, name=name)._edges_as_in(store)
    if undirected:
        return replace(both_ways(store), sha256=store.sha256)  # the raw data is the same
    if store.one_way:
        warn_user(
            f"{store.one_way:,} of {store.edge_index.shape[1]:,} edges of {short_name(name)} have "
            "no reverse edge, so messages pass along them one way only: add it with "
            "undirected=True (--data.undirected true)."
        )
    return store
