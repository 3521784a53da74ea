"""Archives of each kind, and what unpacks them."""

import gzip
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

from graph_hcl.data.archive import decompress, unpack
from graph_hcl.data.tu_mirror import SUFFIXES
from graph_hcl.errors import UserError
from tests.hostile.damage import damage_bytes
from tests.hostile.reader import Files, Reader

TEXT = {"A": "1, 2\n2, 1\n", "graph_indicator": "1\n1\n", "graph_labels": "1\n"}


def packed(method: int = zipfile.ZIP_DEFLATED, **more: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for suffix, text in (TEXT | more).items():
            archive.writestr(f"T/T_{suffix}.txt", text)
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

    return Reader(archives(), read, {"": damage_bytes})


READERS: dict[str, Callable[[Path], Reader]] = {"archive": reader}
"""Readers by name, each made with the help of an empty folder."""
