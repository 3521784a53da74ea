"""What the name of a data set refers to: a known set, files, or a function; nothing is read."""

from __future__ import annotations

import os
import re
from pathlib import Path

from graph_hcl.data.cards import find_card

TABLES = (".csv", ".tsv", ".parquet", ".smi")
LINES = (".jsonl", ".ndjson")
GRAPH_FILES = (".graphml", ".gexf", ".edgelist")
LABELS = "labels.csv"
"""What a folder of graphs may have beside them."""
OGB_PREFIX = "ogbg-"
_FUNCTION = re.compile(r"[^\W\d]\w+(\.[^\W\d]\w*)*:[^\W\d]\w*")  # not C:file, a path of Windows


def suffix_of(name: str) -> str:
    """Return the suffix of a file name in lower case, without that of a compressed file.

    >>> suffix_of("folder/Mine.CSV.gz"), suffix_of("MUTAG")
    ('.csv', '')
    """
    path = Path(name)
    return (path.with_suffix("") if path.suffix.lower() == ".gz" else path).suffix.lower()


def is_table(name: str) -> bool:
    """Tell whether a name is that of a file with a column of SMILES."""
    return suffix_of(name) in TABLES


def is_lines(name: str) -> bool:
    """Tell whether a name is that of a JSON-lines file."""
    return suffix_of(name) in LINES


def is_graph_file(name: str) -> bool:
    """Tell whether a file of this name is read in a folder; hidden ones, such as of macOS, are not.

    >>> is_graph_file("a.graphml"), is_graph_file("._a.graphml"), is_graph_file("labels.csv")
    (True, False, False)
    """
    return suffix_of(name) in GRAPH_FILES and not name.startswith(".")


def is_folder(name: str) -> bool:
    """Tell whether a name is that of an existing folder of graphs, rather than of a data set.

    A plain word may be either. It is a data set if it has a card or begins with ogbg-, and of other
    words a folder if that holds graph files.
    """
    folder = Path(name).expanduser()
    if not name or not folder.is_dir():
        return False
    if _has_separator(name) or name in (".", ".."):
        return True
    return not is_ogb(name) and find_card(name) is None and _holds_graphs(folder)


def namesake(name: str) -> str:
    """Return what is called like the data set of this name: a folder of graphs, a file or ''.

    >>> namesake("MUTAG"), namesake("./MUTAG")
    ('', '')
    """
    if not name or is_place(name) or is_function(name):
        return ""
    if Path(name).is_dir():
        return "folder" if _holds_graphs(Path(name)) else ""
    return "file" if Path(name).is_file() else ""


def _holds_graphs(folder: Path) -> bool:
    return any(is_graph_file(file.name) for file in folder.iterdir())


def is_function(name: str) -> bool:
    """Tell whether a name is the import path of a function.

    >>> is_function("my_package.data:graphs"), is_function("MUTAG"), is_function("C:file")
    (True, False, False)
    """
    return _FUNCTION.fullmatch(name) is not None


def is_ogb(name: str) -> bool:
    """Tell whether a name is that of a graph-level set of the Open Graph Benchmark."""
    return name.casefold().replace("_", "-").startswith(OGB_PREFIX)


def is_place(name: str) -> bool:
    """Tell whether a name is that of a file or a folder, present or not.

    >>> is_place("mine.smi"), is_place("folder/of/graphs"), is_place("MUTAG")
    (True, True, False)
    """
    if "://" in name or is_function(name):
        return False
    known = suffix_of(name) in (*TABLES, *LINES, *GRAPH_FILES)
    if known or _has_separator(name) or is_folder(name):
        return True
    return Path(name).is_file() and find_card(name) is None


def short_name(name: str) -> str:
    """Return the name of a data set for titles and folders: of a file, its name without suffixes.

    >>> short_name("folder/mine.csv.gz"), short_name("MUTAG"), short_name("package.module:graphs")
    ('mine', 'MUTAG', 'graphs')
    """
    if is_function(name):
        return name.partition(":")[2]
    if not is_place(name):
        return name
    file = Path(name).name
    suffix = suffix_of(file)
    return file[: file.lower().rindex(suffix)] if suffix else file


def _has_separator(name: str) -> bool:
    return "/" in name or os.sep in name or name.startswith("~")
