"""Tables of text: CSV, TSV, Parquet and .smi files, read row by row."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from graph_hcl.data.names import suffix_of
from graph_hcl.data.targets import as_text
from graph_hcl.errors import UserError
from graph_hcl.registry import did_you_mean

SHOWN = 12  # names of columns in a message


@contextmanager
def open_text(file: Path) -> Iterator[io.TextIOBase]:
    """Open a UTF-8 text file, which may be compressed by gzip.

    Raises `UserError` for a file that is missing, unreadable, damaged, or not UTF-8.
    """
    try:
        opened = gzip.open if file.suffix.lower() == ".gz" else open
        with (
            opened(file, "rb") as raw,
            io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as stream,
        ):
            yield stream
    except UnicodeDecodeError as error:
        raise UserError(
            f"Expected UTF-8 text in {file}, but it has other bytes ({error.reason}): save it as "
            "UTF-8."
        ) from error
    except (EOFError, gzip.BadGzipFile, gzip.zlib.error) as error:  # type: ignore[attr-defined]
        raise UserError(f"Expected a complete file at {file}, but got: {error}.") from error
    except OSError as error:
        raise UserError(f"Expected a readable file at {file}, but got: {error.strerror}.") from None


def read_header(file: Path) -> list[str]:
    """Return the names of the columns of a table.

    Raises `UserError` for an empty file, and as `open_text` does.
    """
    if suffix_of(file.name) == ".parquet":
        return [str(name) for name in _parquet(file).schema_arrow.names]
    with open_text(file) as stream:
        for names in csv.reader(stream, delimiter=_delimiter(file)):
            if any(map(str.strip, names)):
                return [name.strip() for name in names]
    raise UserError(f"Expected a header line in {file}, but the file is empty.")


def find_column(name: str, header: Sequence[str], file: Path) -> str:
    """Return `name` if exactly one column is called so; raise `UserError` otherwise."""
    if header.count(name) == 1:
        return name
    if name in header:
        raise UserError(f"Expected one column '{name}' in {file}, but got {header.count(name)}.")
    more = f", … ({len(header)} columns)" if len(header) > SHOWN else ""
    raise UserError(
        f"Expected a column '{name}' in {file}, but it has {', '.join(header[:SHOWN])}{more}."
        f"{did_you_mean(name, header)}"
    )


def read_rows(
    file: Path, header: Sequence[str], columns: Sequence[str]
) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of each line, and its values in the given columns as stripped text.

    Lines are counted from 1 with the header, rows of a Parquet file without one. Blank lines are
    skipped. Raises `UserError` for a line with another number of values than the header.
    """
    if suffix_of(file.name) == ".parquet":
        yield from _parquet_rows(file, columns)
        return
    chosen = [header.index(name) for name in columns]
    with open_text(file) as stream:
        reader = csv.reader(stream, delimiter=_delimiter(file), strict=True)
        number, first = 0, True
        try:
            for row in reader:
                line, number = number + 1, reader.line_num  # a value may span several lines
                if len(row) < 2 and not any(map(str.strip, row)):
                    continue
                if first:
                    first = False
                    continue
                if len(row) != len(header):
                    raise UserError(
                        f"Expected {len(header)} values in each line of {file}, as in its header, "
                        f"but line {line} has {len(row)}: correct it, or quote values that contain "
                        f"{_delimiter(file)!r}."
                    )
                yield line, [row[place].strip() for place in chosen]
        except csv.Error as error:
            raise UserError(
                f"Expected a table in {file}, but line {number + 1} cannot be read ({error})."
            ) from error


def read_smi(file: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of each line of a .smi file, its SMILES, and the name after it or ''."""
    with open_text(file) as stream:
        for line, text in enumerate(stream, 1):
            words = text.split(None, 1)
            if words:
                yield line, [words[0], words[1].strip() if len(words) > 1 else ""]


def _delimiter(file: Path) -> str:
    return "\t" if suffix_of(file.name) == ".tsv" else ","


def _parquet(file: Path) -> Any:
    import pyarrow
    import pyarrow.parquet

    try:
        return pyarrow.parquet.ParquetFile(io.BytesIO(file.read_bytes()))
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError(f"Expected a readable file at {file}, but got: {reason}.") from error
    except pyarrow.ArrowException as error:
        raise UserError(f"Expected a Parquet file at {file}, but got: {error}.") from error


def _parquet_rows(file: Path, columns: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    import pyarrow

    number = 0
    try:
        for batch in _parquet(file).iter_batches(columns=list(columns)):
            lists = [batch.column(name).to_pylist() for name in columns]
            for row in zip(*lists, strict=True):
                number += 1
                yield number, [as_text(value) for value in row]
    except (pyarrow.ArrowException, OSError) as error:
        raise UserError(f"Expected a complete Parquet file at {file}, but got: {error}.") from error
