"""Archives of each kind, and what unpacks them."""

import gzip
import io
import random
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

from graph_hcl.data.archive import decompress, unpack
from graph_hcl.data.tu_mirror import SUFFIXES
from graph_hcl.errors import UserError
from tests.hostile.damage import damage_bytes, damage_text
from tests.hostile.forge import forge_gzip
from tests.hostile.reader import Files, Reader

TEXT = {"A": "1, 2\n2, 1\n", "graph_indicator": "1\n1\n", "graph_labels": "1\n"}


def packed(method: int = zipfile.ZIP_DEFLATED, **more: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for suffix, text in (TEXT | more).items():
            archive.writestr(f"T/T_{suffix}.txt", text)
    return stream.getvalue()


def forge_archive(rng: random.Random, content: bytes) -> bytes:
    """Return an archive with a damaged member, name or attribute, and checksums that fit."""
    if rng.random() < 0.4:
        return damage_bytes(rng, content)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [(one, archive.read(one)) for one in archive.infolist()]
    number = rng.randrange(len(members))
    info, text = members[number]
    kind = rng.randrange(4)
    if kind == 0:
        info.filename = damage_text(rng, info.filename.encode()).decode("utf-8", "replace")
    elif kind == 1:
        info.external_attr = rng.getrandbits(32)
    elif kind == 2:
        members[number] = (info, damage_text(rng, text))
    else:
        members.insert(rng.randrange(len(members)), members[number])
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of doubled names
        for info, text in members:
            archive.writestr(info, text)
    return stream.getvalue()


def archives() -> list[Files]:
    methods = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
    files: list[Files] = [{"T.zip": packed(method)} for method in methods]
    return [*files, {"t.gz": gzip.compress(b"1, 2\n" * 50)}]


def reader(scratch: Path) -> Reader:
    to = scratch / "to"
    to.mkdir()

    def read(folder: Path) -> None:
        file = next(folder.iterdir())
        try:
            if file.suffix == ".zip":
                unpack("T", file, to, SUFFIXES)
            else:
                decompress(file, to / "x", 1 << 20)
        except UserError:
            assert not any(to.iterdir())
            raise
        finally:
            for one in to.iterdir():
                one.unlink()

    return Reader(archives(), read, {".zip": forge_archive, ".gz": forge_gzip})


READERS: dict[str, Callable[[Path], Reader]] = {"archive": reader}
"""Readers by name, each made with the help of an empty folder."""
