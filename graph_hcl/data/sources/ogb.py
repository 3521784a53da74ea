"""The molecules of the Open Graph Benchmark (https://ogb.stanford.edu), from their raw files."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from graph_hcl.data.cache import cached
from graph_hcl.data.cards import find_card
from graph_hcl.data.columns import OTHER, Column
from graph_hcl.data.fields import ends
from graph_hcl.data.names import is_ogb
from graph_hcl.data.ogb_files import GRAPHS, raw_files
from graph_hcl.data.sources import Request
from graph_hcl.data.statistics import check_statistics, statistics
from graph_hcl.data.store import GraphStore
from graph_hcl.data.tables import open_text, read_header, read_lines, read_rows
from graph_hcl.data.targets import column_targets, task_row
from graph_hcl.data.tu_text import read_table
from graph_hcl.data.vocabulary import Features, Vocabulary
from graph_hcl.errors import UserError

READER = 1  # incremented when the same files are read differently

ATOMS: dict[str, tuple[int | str, ...]] = {
    "atomic_num": (*range(1, 119), OTHER),
    "chirality": (
        *("CHI_UNSPECIFIED", "CHI_TETRAHEDRAL_CW", "CHI_TETRAHEDRAL_CCW", "CHI_OTHER"), OTHER,
    ),
    "degree": (*range(11), OTHER),
    "formal_charge": (*range(-5, 6), OTHER),
    "num_hs": (*range(9), OTHER),
    "num_radical_electrons": (*range(5), OTHER),
    "hybridization": ("SP", "SP2", "SP3", "SP3D", "SP3D2", OTHER),
    "is_aromatic": (0, 1),
    "is_in_ring": (0, 1),
}  # fmt: skip
BONDS: dict[str, tuple[int | str, ...]] = {
    "bond_type": ("SINGLE", "DOUBLE", "TRIPLE", "AROMATIC", OTHER),
    "stereo": ("STEREONONE", "STEREOZ", "STEREOE", "STEREOCIS", "STEREOTRANS", "STEREOANY"),
    "is_conjugated": (0, 1),
}
"""The meaning of OGB's codes, with PyG's names of the columns."""


class OGB:
    """The sets ogbg-mol…, fetched on first use; `official_split` gives their scaffold splits.

    All features are categories, with OGB's own lists of values, under the names that molecules from
    SMILES have. A single task gives y [G], several give y [G, tasks] with NaN for missing entries.
    """

    what = "an OGB data set"
    takes = frozenset({"labels"})

    def recognises(self, name: str) -> bool:
        """Tell whether a name begins with ogbg-."""
        return is_ogb(name)

    def read(self, request: Request) -> GraphStore:
        """Return the graphs; raise `UserError` for an unknown name and for damaged files."""
        files = raw_files(request.name, request.data_dir, request.mirror)
        states = [[k, f.stat().st_size, f.stat().st_mtime_ns] for k, f in sorted(files.items())]
        stamp = json.dumps([READER, states])
        cache = files["edge"].parents[1] / f"{request.labels}.safetensors"
        return cached(cache, stamp, lambda: _read(files, request))


def _read(files: dict[str, Path], request: Request) -> GraphStore:
    nodes, bonds = _counts(files["num-node-list"], 1), _counts(files["num-edge-list"], 0)
    pairs = read_table(files["edge"], whole=True, columns=2)
    atoms = _codes(files["node-feat"], ATOMS, nodes, "num-node-list")
    kinds = _codes(files["edge-feat"], BONDS, bonds, "num-edge-list")
    if not len(bonds) == len(nodes) > 0 or pairs.shape[1] != len(kinds):
        raise _damaged(files["edge"], "numbers of graphs, nodes and edges that agree")
    node_ptr, owner = ends(nodes), torch.arange(len(nodes)).repeat_interleave(bonds)
    if bool(((pairs < 0) | (pairs >= nodes[owner])).any()):
        raise _damaged(files["edge"], "edges between nodes of one graph")
    # Each bond is listed once: the store has both directions, sorted.
    both, rows = torch.cat([pairs, pairs.flip(0)], dim=1), torch.arange(len(kinds)).repeat(2)
    shift = node_ptr[owner].repeat(2)
    order = ((both[0] + shift) * len(atoms) + both[1] + shift).argsort(stable=True)
    edge_attr = kinds[rows[order]]
    store = GraphStore(
        x=atoms,
        edge_index=both[:, order].contiguous(),
        node_ptr=node_ptr,
        edge_ptr=ends(2 * bonds),
        edge_attr=edge_attr,
        vocabulary=Vocabulary(_meaning(ATOMS, atoms), _meaning(BONDS, edge_attr)),
        sha256=_sha256(files),
        **_targets(files, request, len(nodes)),
    )
    card = find_card(request.name)
    if card is not None and request.labels == "auto":
        check_statistics(card, statistics(store), files["edge"].parent)
    return store


def _counts(file: Path, least: int) -> Tensor:
    """Return the numbers of nodes or edges of all graphs, none of which is under `least`."""
    counts = read_table(file, whole=True, columns=1)[0]
    if bool((counts < least).any()):
        raise _damaged(file, f"numbers from {least} on")
    return counts


def _codes(
    file: Path, names: dict[str, tuple[int | str, ...]], counts: Tensor, other: str
) -> Tensor:
    """Return the codes in a file of features [rows, columns], whose rows are counted by graph."""
    codes = read_table(file, whole=True, columns=len(names)).t().contiguous()
    # Each alone, too: a sum beyond int64 wraps around, even to the right number.
    if bool((counts > len(codes)).any()) or int(counts.sum()) != len(codes):
        raise _damaged(file, f"{sum(counts.tolist()):,} lines, as {other}.csv says")
    limits = torch.tensor([len(values) for values in names.values()])
    if bool(((codes < 0) | (codes >= limits)).any()):
        raise _damaged(file, "codes of OGB's atoms and bonds")
    return codes


def _meaning(names: dict[str, tuple[int | str, ...]], codes: Tensor) -> Features:
    columns = enumerate(names.items())
    return Features(tuple(Column(name, v).seen_in(codes[:, k]) for k, (name, v) in columns))


def _targets(files: dict[str, Path], request: Request, graphs: int) -> dict[str, Any]:
    """Return y, classes, tasks and ids. The table of molecules has tasks, SMILES and names."""
    molecules, file = files["mol"], files["graph-label"]
    header = read_header(molecules)
    tasks = header[:-2]
    ids = [name for _, (name,) in read_rows(molecules, header, header[-1:])]
    rows, texts = [], []
    with open_text(file) as stream:
        for line, text in enumerate(read_lines(stream, file), 1):
            row = [entry.strip() for entry in text.split(",")]
            if len(row) != len(tasks):
                raise _damaged(file, f"{len(tasks)} labels on each line")
            if len(tasks) == 1:
                texts += row
            else:
                rows.append(task_row(row, tasks, f"line {line} of {file}"))
    if max(len(texts), len(rows)) != graphs or len(ids) != graphs:
        raise _damaged(file, f"{graphs:,} lines, as num-node-list.csv says")
    if len(tasks) == 1:
        places = [f"line {line} of {file}" for line in range(1, graphs + 1)]
        y, classes = column_targets(texts, request.labels, tasks[0], places)
        return {"y": y, "classes": classes, "tasks": [] if classes else tasks, "ids": ids}
    return {"y": torch.from_numpy(np.stack(rows)), "tasks": tasks, "ids": ids}


def _sha256(files: dict[str, Path]) -> str:
    total = hashlib.sha256()
    for name in GRAPHS:
        total.update(f"{name} {hashlib.sha256(files[name].read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()


def _damaged(file: Path, expected: str) -> UserError:
    return UserError(
        f"Expected {expected} in {file}, but it has others: remove the folder {file.parent} to "
        "fetch it again."
    )
