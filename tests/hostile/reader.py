"""What a hostile file is tried on: valid files, and what reads them."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from graph_hcl.errors import UserError
from tests.hostile.damage import damage_text
from tests.hostile.watch import attempt

Files = Mapping[str, bytes]
Damage = Callable[[random.Random, bytes], bytes]


@dataclass(frozen=True)
class Reader:
    """Valid files by name, some variants of them, and what reads their folder.

    `damages` says, by the end of a name, how a file is damaged; others are as text. `reseals` does
    to any damaged file what a forger would. `only` is the one file that is damaged.
    """

    variants: Sequence[Files]
    read: Callable[[Path], object]
    damages: Mapping[str, Damage] = field(default_factory=dict)
    reseals: Callable[[bytes], bytes] | None = None
    only: str = ""

    def damage(self, name: str) -> Damage:
        """Return how the file of a name is damaged."""
        return next((one for end, one in self.damages.items() if name.endswith(end)), damage_text)

    def check(self, folder: "Folder") -> None:
        """Fail if all valid files are refused: their damage would be read no further."""
        whole = []
        for files in self.variants:
            folder.write(files)
            whole.append(attempt(lambda: self.read(folder.path)))
        assert "value" in {outcome for outcome, _ in whole}, whole


def each(*actions: Callable[[], object]) -> None:
    """Do all of these, and then raise the refusal of one that was refused."""
    refusals = []
    for action in actions:
        try:
            action()
        except UserError as error:
            refusals.append(error)
    if refusals:
        raise refusals[-1]


class Folder:
    """A folder that holds one variant of some files after the other."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.names: set[str] = set()
        path.mkdir(parents=True, exist_ok=True)

    def write(self, files: Files) -> None:
        """Hold these files and none of those before."""
        for name in self.names - files.keys():
            (self.path / name).unlink(missing_ok=True)
        self.names = set(files)
        for name, content in files.items():
            file = self.path / name
            if not file.exists() or file.read_bytes() != content:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
