"""The files of a benchmark's tables, which are those of the last call alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from graph_hcl.benchmarking.record import Record
from graph_hcl.benchmarking.table import Table
from graph_hcl.benchmarking.tables import PUBLISHED, file_name
from graph_hcl.files import write_text
from graph_hcl.leftovers import remove_others
from graph_hcl.probes import METRICS
from graph_hcl.registries import PROTOCOLS

OTHERS = ("differences", "choices", "candidates")
"""Tables of each protocol, besides those of the metrics."""


def write_tables(folder: Path, tables: Mapping[str, Table], records: Iterable[Record]) -> None:
    """Write tables as CSV and LaTeX, and remove those of earlier calls that are not among them.

    The records name the metrics of the user's own, whose earlier tables are known by them.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> for name in ("inductive-differences", "inductive-notes", "transductive-accuracy"):
    ...     (folder / f"{name}.csv").touch()
    >>> write_tables(folder, {"transductive-accuracy": Table("two", ["a"], [["1"]])}, [])
    >>> sorted(file.name for file in folder.iterdir())
    ['inductive-notes.csv', 'transductive-accuracy.csv', 'transductive-accuracy.tex']
    """
    written = set()
    for name, table in tables.items():
        for suffix, text in (("csv", table.csv()), ("tex", table.latex())):
            write_text(folder / f"{name}.{suffix}", text + "\n")
            written.add(f"{name}.{suffix}")
    rows = [row for record in records for row in record["records"]]
    own = {name for row in rows for name in row.get("scores", ())}
    kinds = "|".join(re.escape(file_name(name)) for name in {*METRICS, *own, *OTHERS})
    known = f"({'|'.join(PROTOCOLS.names())})-({kinds})|{PUBLISHED}"
    remove_others(folder, rf"({known})\.(csv|tex)", written)
