"""Groups of graphs that no split divides: names from a file, or the scaffolds of molecules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graph_hcl.data.targets import as_name
from graph_hcl.errors import UserError
from graph_hcl.missing import is_missing

SCAFFOLD = "scaffold"
"""The name of the groups that are computed from molecules."""
ACYCLIC = "acyclic"
"""The scaffold of all molecules without a ring."""


def group_names(values: Sequence[Any], name: str, places: Sequence[str]) -> list[str]:
    """Return the group of each graph as text; `places` say where each value stands.

    A whole number is one group however it is written, 7 or 7.0. Raises `UserError` for a graph
    without one.

    >>> group_names([7.0, "7", "b"], "batch", ["line 2", "line 3", "line 4"])
    ['7', '7', 'b']
    """
    groups = list(map(as_name, values))
    for group, place in zip(groups, places, strict=True):
        if is_missing(group):
            raise UserError(
                f"Expected the group of each graph in '{name}', but {place} has none: fill it in, "
                "or leave out the groups."
            )
    return groups


def scaffold(smiles: str) -> str:
    """Return the Bemis-Murcko scaffold of a molecule as SMILES, "acyclic" where it has no ring.

    It is the ring systems and what links them, without chirality: Bemis and Murcko, "The Properties
    of Known Drugs" (J. Med. Chem. 39, 1996), as RDKit computes it.

    >>> scaffold("CC(=O)Oc1ccccc1C(=O)O"), scaffold("CCO")
    ('c1ccccc1', 'acyclic')
    """
    from rdkit import Chem, rdBase
    from rdkit.Chem.Scaffolds.MurckoScaffold import MurckoScaffoldSmiles

    with rdBase.BlockLogs():
        molecule = Chem.MolFromSmiles(smiles)
        return MurckoScaffoldSmiles(mol=molecule, includeChirality=False) or ACYCLIC
