"""Fuzz one reader of untrusted files, guided by the coverage of `graph_hcl`; needs `atheris`.

`python -m tests.hostile.guided READER FOLDER -runs=N` reads N inputs and prints one line of JSON:
the counts of what they ended in, and for each kind of fault the first input, as a file in FOLDER.
The exit status is 0 where each of them ended in a value or in one sentence. If an input ends the
process there is no such line, and FOLDER/current is that input. The inputs that reached new code
stay in FOLDER/corpus, where a later call begins.
"""

import argparse
import contextlib
import json
import os
import random
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # imports graph_hcl, whose code is instrumented as it is imported
    from tests.hostile.reader import Reader

READERS = (
    "views", "config", "flags", "tu", "ogb", "lines", "folder", "table", "store", "cache",
    "vocabulary", "splits", "archive", "run-config", "manifest", "metrics", "results", "checkpoint",
    "benchmark", "record", "lock", "resume",
)  # fmt: skip
MEMORY = 6 << 10
"""MiB that the process may come to hold; one input may take half of that."""


def pack(variant: int, contents: Sequence[bytes]) -> bytes:
    """Return the number of a variant and the contents of its files as one text of bytes."""
    return bytes([variant]) + b"".join(len(one).to_bytes(4, "little") + one for one in contents)


def unpack(reader: "Reader", packed: bytes) -> tuple[int, dict[str, bytes]]:
    """Return the number of the variant and the files; any bytes are some files."""
    variant, place = (packed[0] if packed else 0) % len(reader.variants), 1
    files = {}
    for name in reader.variants[variant]:
        size = int.from_bytes(packed[place : place + 4], "little")
        files[name] = packed[place + 4 : place + 4 + size]
        place += 4 + size
    return variant, files


def mutate(
    reader: "Reader", packed: bytes, seed: int, mutate_bytes: Callable[[bytes, int], bytes]
) -> bytes:
    """Return an input with one of its files damaged, as a survey does or as libFuzzer does.

    Most are sealed again, so that the damage is met behind the seal, too.
    """
    rng = random.Random(seed)
    variant, files = unpack(reader, packed)
    name = reader.only or rng.choice(list(files))
    if rng.random() < 0.5:
        with contextlib.suppress(Exception):  # it is damaged too far already
            files[name] = reader.damage(name)(rng, files[name])
    else:
        files[name] = mutate_bytes(files[name], len(files[name]) + 200)
    if reader.reseals is not None and rng.random() < 0.9:
        files[name] = reader.reseals(files[name])
    return pack(variant, list(files.values()))


def made(name: str, scratch: Path) -> "Reader":
    """Return a reader by name."""
    import graph_hcl.layers
    from tests.hostile.readers import archives, data, runs, settings, stores

    modules = (archives, data, runs, settings, stores)
    makers = {name: make for module in modules for name, make in module.READERS.items()}
    assert set(READERS) == set(makers)
    reader = makers[name](scratch)
    if reader.only not in ("", "config.yaml"):
        graph_hcl.layers.parse_yaml = runs.read_once()
    return reader


class Fuzz:
    """What libFuzzer calls: it reads inputs, counts what they end in, and keeps the faults."""

    def __init__(self, reader: "Reader", folder: Path) -> None:
        from tests.hostile.reader import Folder

        self.reader, self.folder = reader, folder
        self.place = Folder(folder / "files")
        self.outcomes: Counter[str] = Counter()
        self.faults: dict[str, dict[str, str]] = {}
        reader.check(self.place)

    def write_seeds(self, corpus: Path) -> int:
        """Write the valid files as inputs; return the size of the largest."""
        corpus.mkdir(exist_ok=True)
        seeds = [pack(n, list(one.values())) for n, one in enumerate(self.reader.variants)]
        for number, seed in enumerate(seeds):
            (corpus / f"valid{number}").write_bytes(seed)
        return max(map(len, seeds))

    def __call__(self, packed: bytes) -> None:
        from tests.hostile.watch import attempt

        (self.folder / "current").write_bytes(packed)
        self.place.write(unpack(self.reader, packed)[1])
        outcome, said = attempt(lambda: self.reader.read(self.place.path))
        self.outcomes[outcome] += 1
        if outcome not in ("value", "refused", *self.faults):
            file = self.folder / f"fault{len(self.faults)}"
            file.write_bytes(packed)
            self.faults[outcome] = {"said": said, "input": str(file)}


def main(name: str, folder: Path, runs: int, seconds: float) -> None:
    """Fuzz a reader, print what was found and end the process."""
    import atheris

    folder.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=folder))
    os.environ["GRAPH_HCL_DATA"] = str(scratch / "data")
    instrumented = atheris.instrument_imports(["graph_hcl", "yaml", "zipfile", "gzip"])
    with warnings.catch_warnings(), instrumented:
        warnings.simplefilter("ignore")
        reader = made(name, scratch)
        fuzz = Fuzz(reader, folder)
        corpus = folder / "corpus"
        size = fuzz.write_seeds(corpus)
        end = time.monotonic() + seconds

        def read(packed: bytes) -> None:
            fuzz(packed)
            count = fuzz.outcomes.total()
            if count >= runs or time.monotonic() > end:  # libFuzzer would end without a word
                found = {"reader": name, "inputs": count, "outcomes": fuzz.outcomes}
                found["corpus"] = len(list(corpus.iterdir()))
                print(json.dumps(found | {"faults": fuzz.faults}), flush=True)
                os._exit(1 if fuzz.faults else 0)

        def mutator(packed: bytes, limit: int, seed: int) -> bytes:
            return mutate(reader, packed, seed, atheris.Mutate)[:limit]

        flags = [f"-max_len={2 * size + 4096}", f"-rss_limit_mb={MEMORY}", "-verbosity=0"]
        # A signal ends the process by itself: libFuzzer would end it with status 0.
        flags += [f"-handle_{one}=0" for one in ("segv", "bus", "abrt", "ill", "fpe")]
        flags += ["-mutate_depth=2", f"-artifact_prefix={folder}/", str(corpus)]
        atheris.Setup([sys.argv[0], *flags], read, custom_mutator=mutator)
        atheris.Fuzz()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("reader", choices=READERS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("-runs", type=int, required=True, help="inputs to read")
    parser.add_argument("-seconds", type=float, default=float("inf"), help="end after this time")
    given = parser.parse_args()
    main(given.reader, given.folder.absolute(), given.runs, given.seconds)
