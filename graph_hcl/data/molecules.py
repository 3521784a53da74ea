"""Molecules given as SMILES, with the atoms and bonds of `torch_geometric.utils.from_smiles`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import torch
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.utils.smiles import e_map, from_rdmol, x_map

from graph_hcl.data.columns import Column
from graph_hcl.data.containers import one_column
from graph_hcl.data.fields import ends
from graph_hcl.data.groups import SCAFFOLD, group_names, scaffold
from graph_hcl.data.labels import choose_labels
from graph_hcl.data.store import GraphStore
from graph_hcl.data.targets import as_name
from graph_hcl.data.vocabulary import Features, Vocabulary
from graph_hcl.errors import UserError
from graph_hcl.progress import Progress
from graph_hcl.warn import warn_user

CHUNK = 1000  # molecules whose tensors are joined at a time
SHOWN = 3  # invalid molecules that a message names
HYBRIDS = x_map["hybridization"]

Invalid = Literal["error", "skip"]


def from_smiles(
    smiles: Iterable[str],
    *,
    y: Any = None,
    ids: Iterable[str] | None = None,
    groups: Iterable[Any] | Literal["scaffold"] | None = None,
    invalid: Invalid = "error",
) -> GraphStore:
    """Return the store of molecules given as SMILES; hydrogens are implicit.

    The columns of x are PyG's nine atom features, those of edge_attr its three bond features, all
    of them categories.

    Args:
        smiles: one text for each molecule.
        y: labels, as for `from_data`.
        ids: names of the molecules.
        groups: groups that no split divides, or "scaffold" for the Bemis-Murcko scaffolds.
        invalid: "skip" leaves out what is no molecule, with its label, its name and its group, and
            a warning.

    Raises `UserError`, with text and number, for what is no molecule, and without rdkit.

    >>> store = from_smiles(["CCO", "c1ccccc1"], y=[0, 1], ids=["ethanol", "benzene"])
    >>> store, store.vocabulary.edge.columns[0].values[:3]
    (GraphStore(2 graphs, 177 node features, 16 edges, edge_attr, y), \
('UNSPECIFIED', 'SINGLE', 'DOUBLE'))
    """
    if invalid not in ("error", "skip"):
        raise UserError(f"Expected invalid as 'error' or 'skip', but got {invalid!r}.")
    if isinstance(smiles, str):
        raise UserError("Expected a list of SMILES, but got one string: write [smiles].")
    smiles = one_column(smiles, "smiles")
    texts = list(smiles)
    names = None if ids is None else list(map(as_name, _listed(ids)))
    _check_count(names, "ids", len(texts))
    if isinstance(groups, str) and groups != SCAFFOLD:
        raise UserError(f"Expected groups as a list of names or 'scaffold', but got {groups!r}.")
    members = None if groups is None or isinstance(groups, str) else _listed(groups)
    _check_count(members, "groups", len(texts))
    labels = choose_labels(y, None, len(texts))
    reader = MoleculeReader(len(texts))
    for number, text in enumerate(texts):
        reader.add(text, f"molecule {number}")
    store = reader.store("the list", invalid)
    kept = reader.kept
    named = None
    if isinstance(groups, str):
        named = [scaffold(texts[number]) for number in kept]
    elif members is not None:
        places = [f"molecule {number}" for number in kept]
        named = group_names([members[number] for number in kept], "groups", places)
    if labels:
        labels["y"] = labels["y"][torch.tensor(kept)]
    return replace(
        store,
        **labels,
        ids=None if names is None else [names[number] for number in kept],
        groups=named,
    )


def _listed(names: Iterable[Any]) -> list[Any]:
    """Return names as a list; a tensor's are its numbers."""
    return list(names.tolist() if isinstance(names, Tensor) else names)


def _check_count(names: list[Any] | None, argument: str, molecules: int) -> None:
    if names is not None and len(names) != molecules:
        raise UserError(
            f"Expected {argument} with {molecules} names, one per molecule, but got {len(names)}."
        )


@dataclass
class MoleculeReader:
    """Collects up to `total` molecules in little memory; `kept` numbers those that are valid."""

    total: int | None = None
    kept: list[int] = field(default_factory=list)
    count: int = 0
    _wrong: list[str] = field(default_factory=list)
    _number_wrong: int = 0
    _recent: list[Data] = field(default_factory=list)
    _parts: dict[str, list[Tensor]] = field(default_factory=dict)
    _bar: Progress | None = None

    def add(self, text: Any, place: str) -> None:
        """Add the molecule that a text stands for; `place` is where it stands, for messages."""
        graph = read_molecule(text)
        if isinstance(graph, str):
            self._number_wrong += 1
            if self._number_wrong <= SHOWN:
                shown = f"{text[:60]}…" if isinstance(text, str) and len(text) > 60 else text
                self._wrong.append(f"{place} has {shown!r}{graph}")
        else:
            self.kept.append(self.count)
            self._recent.append(graph)
        self.count += 1
        if self.count % CHUNK == 0:
            self._join()
            self._bar = self._bar or Progress("SMILES", self.total, "molecule")
            self._bar.update(CHUNK)

    def store(self, where: str, invalid: Invalid) -> GraphStore:
        """Return the store of all molecules; `where` names their place in messages.

        Raises `UserError` for what is no molecule, or warns of it with `invalid` = "skip".
        """
        if self._bar is not None:
            self._bar.close()
        if not self.count:
            raise UserError(f"Expected molecules in {where}, but there are none.")
        if self._number_wrong:
            self._report(where, invalid)
        self._join()
        joined = {name: torch.cat(parts) for name, parts in self._parts.items()}
        x, edge_attr = joined["x"].long(), joined["edge_attr"].long()
        hybrids = x[:, list(x_map).index("hybridization")]
        if others := int((hybrids == HYBRIDS.index("OTHER")).sum()):
            warn_user(
                f"Of {len(x):,} atoms in {where}, {others:,} have a hybridization that PyG's list "
                "lacks, such as SP2D of square planes: it counts as OTHER."
            )
        return GraphStore(
            x=x,
            edge_index=joined["edges"].t().long().contiguous(),
            node_ptr=ends(joined["nodes"]),
            edge_ptr=ends(joined["bonds"]),
            edge_attr=edge_attr,
            vocabulary=Vocabulary(_meaning(x_map, x), _meaning(e_map, edge_attr)),
        )

    def _join(self) -> None:
        """Keep the tensors of the latest molecules in compact form."""
        graphs, self._recent = self._recent, []
        if not graphs:
            return
        parts = {
            "x": torch.cat([graph.x for graph in graphs]).short(),
            "edge_attr": torch.cat([graph.edge_attr for graph in graphs]).short(),
            "edges": torch.cat([graph.edge_index for graph in graphs], dim=1).t().int(),
            "nodes": torch.tensor([graph.num_nodes for graph in graphs]),
            "bonds": torch.tensor([graph.edge_index.shape[1] for graph in graphs]),
        }
        for name, part in parts.items():
            self._parts.setdefault(name, []).append(part)

    def _report(self, where: str, invalid: Invalid) -> None:
        number, more = self._number_wrong, self._number_wrong - len(self._wrong)
        listed = ", ".join(self._wrong) + (f", and {more:,} more" if more else "")
        if number == self.count:
            raise UserError(f"Expected molecules in {where}, but none is one: {listed}.")
        if invalid == "skip":
            warn_user(
                f"Of {self.count:,} molecules in {where}, {number:,} cannot be read and "
                f"{'is' if number == 1 else 'are'} left out: {listed}."
            )
            return
        raise UserError(
            f"Expected molecules in {where}, but {number:,} of {self.count:,} cannot be read: "
            f"{listed}; correct or remove {'it' if number == 1 else 'them'}, or leave "
            f'{"it" if number == 1 else "them"} out with invalid="skip" (--data.invalid skip).'
        )


def read_molecule(text: Any) -> Data | str:
    """Return the graph of a SMILES, or the reason why there is none, in brackets or empty.

    A hybridisation that PyG's list lacks, as in square planes, is its "OTHER".

    >>> read_molecule("O"), read_molecule("C1CC"), read_molecule("[Fe+7]")
    (Data(x=[1, 9], edge_index=[2, 0], edge_attr=[0, 3]), '', ' (an atom out of the ordinary)')
    """
    try:
        from rdkit import Chem, rdBase
    except ImportError as error:
        raise UserError(
            "Expected rdkit, which reads SMILES, but it is not installed: "
            "pip install 'graph_hcl[molecules]'."
        ) from error
    if not isinstance(text, str):
        return " (no text)"
    words = text.split(None, 1)
    if len(words) > 1 and not words[1].startswith("|"):  # an extended SMILES has |…| there
        return " (more than one word)"
    with rdBase.BlockLogs():
        molecule = Chem.MolFromSmiles(text)
    if molecule is None:
        return ""
    if not molecule.GetNumAtoms():
        return " (no atoms)"
    try:
        return from_rdmol(molecule)
    except ValueError:  # beyond the lists of PyG, such as the hybridisation SP2D or a charge of +7
        for atom in molecule.GetAtoms():
            if atom.GetHybridization().name not in HYBRIDS:
                atom.SetHybridization(Chem.HybridizationType.OTHER)
    try:
        return from_rdmol(molecule)
    except ValueError:
        return " (an atom out of the ordinary)"


def _meaning(names: dict[str, Sequence[Any]], codes: Tensor) -> Features:
    """Return the columns of PyG's features with their values."""
    columns = []
    for number, (name, values) in enumerate(names.items()):
        plain = tuple(int(v) if isinstance(v, bool) else v for v in values)
        columns.append(Column(name, plain).seen_in(codes[:, number]))
    return Features(tuple(columns))
