"""The names of node and edge labels in the README of a TU data set."""

from __future__ import annotations

import re
from pathlib import Path

LabelNames = dict[tuple[str, int], dict[int, str]]
"""Names of labels by level ("node" or "edge") and column."""

HEAD = re.compile(r"\s*(node|edge|class|graph|vertex)\s+(labels?|attributes?)\b.*:", re.IGNORECASE)
COMPONENT = re.compile(r"\s*component\s+(\d{1,18})\s*:?", re.IGNORECASE)
ENTRY = re.compile(r"\s*([+-]?\d{1,18})\s*[:=]?\s+(\S.*)")


def readmes(folder: Path, name: str) -> list[Path]:
    """Return the files in a folder of raw files that may define label names."""
    names = ("README.txt", f"{name}_README.txt", f"{name}_label_readme.txt")
    return [folder / file for file in names if (folder / file).is_file()]


def label_names(folder: Path, name: str) -> LabelNames:
    """Return the label names in the README of a folder of raw files; empty without one.

    Two forms of the official data sets are read: "Node labels:" before a list of numbers and names,
    and "Node labels were converted to integer values using this map:" with components.
    """
    names: LabelNames = {}
    for file in readmes(folder, name):
        names |= parse(file.read_text(encoding="utf-8", errors="replace"))
    return names


def parse(text: str) -> LabelNames:
    r"""Return the names in the text of a README.

    A list in which two numbers share a name is left out, since it would merge two labels.

    >>> parse("Node labels:\n\n  0  C\n  1  N\n\nEdge labels:\n\n  0  single\n")
    {('node', 0): {0: 'C', 1: 'N'}, ('edge', 0): {0: 'single'}}
    """
    lists: LabelNames = {}
    level, component = None, 0
    for line in map(str.strip, text.splitlines()):
        if head := HEAD.fullmatch(line):
            level, component = head[1].lower().replace("vertex", "node"), 0
            if not head[2].lower().startswith("label"):
                level = None
        elif part := COMPONENT.fullmatch(line):
            component = int(part[1])
        elif entry := ENTRY.fullmatch(line):
            if level in ("node", "edge"):
                lists.setdefault((level, component), {})[int(entry[1])] = entry[2]
        elif line:
            level = None
    return {key: names for key, names in lists.items() if len(set(names.values())) == len(names)}
