"""Tables of text: CSV, TSV, Parquet and .smi files, read row by row."""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from graph_hcl.data.names import suffix_of
from graph_hcl.data.targets import as_text
from graph_hcl.errors import UserError
from graph_hcl.registry import did_you_mean
from graph_hcl.warn import warn_user

SHOWN = 12  # names of columns in a message
SMI = re.compile(r"\s*(\S+)(?:\s+(\|[^|]*\|))?(?:\s+(.*))?\s*", re.DOTALL)
"""A SMILES, perhaps an extension of it between bars, and what comes after."""
MAX_LINE = 1 << 26
"""Characters of a line, and of a file that is read at once."""
EXPANSION = 200
"""How many times a file may grow when it is decompressed; text does not grow by 50."""
FREE = 1 << 26
"""Bytes that any compressed file may hold."""


class _BoundedGzip(gzip.GzipFile):
    """A gzip file that refuses to grow without bounds; its readers take a piece at a time."""

    def __init__(self, file: Path, mode: str) -> None:
        super().__init__(file, mode)
        self.file, self.read_so_far = file, 0
        self.most = FREE + EXPANSION * file.stat().st_size

    def read1(self, size: int = -1) -> bytes:
        """Return the next bytes; raise `UserError` where there are too many."""
        piece = super().read1(size)
        self.read_so_far += len(piece)
        if self.read_so_far > self.most:
            raise UserError(
                f"Expected {self.file} to hold text, but it grows by more than {EXPANSION} times: "
                "give it as it is, without .gz, if it is right."
            )
        return piece


def read_lines(stream: io.TextIOBase, file: Path) -> Iterator[str]:
    """Yield the lines of a text with their ends; raise `UserError` for one without end."""
    while line := stream.readline(MAX_LINE):
        if len(line) == MAX_LINE:
            raise UserError(
                f"Expected lines of fewer than {MAX_LINE:,} characters in {file}, but one has "
                "more: check that it is a text file."
            )
        yield line


def read_all(stream: io.TextIOBase, file: Path) -> str:
    """Return a text; raise `UserError` for one that is longer than graphs are."""
    text = stream.read(MAX_LINE)
    if len(text) == MAX_LINE:
        raise UserError(
            f"Expected fewer than {MAX_LINE:,} characters in {file}, but it has more: write larger "
            "graphs as a .jsonl file."
        )
    return text


@contextmanager
def open_text(file: Path) -> Iterator[io.TextIOBase]:
    """Open a UTF-8 text file, which may be compressed by gzip.

    Raises `UserError` for a file that is missing, unreadable, damaged, or not UTF-8.
    """
    try:
        opened = _BoundedGzip if file.suffix.lower() == ".gz" else open
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
        try:
            for names in csv.reader(read_lines(stream, file), delimiter=_delimiter(file)):
                if any(map(str.strip, names)):
                    return [name.strip() for name in names]
        except csv.Error as error:
            raise UserError(
                f"Expected a header line in {file}, but it cannot be read ({error})."
            ) from error
    raise UserError(f"Expected a header line in {file}, but the file is empty.")


def check_separator(header: Sequence[str], file: Path) -> None:
    """Raise `UserError` for a header of one column that other separators make several of."""
    names = {";": "semicolons", "\t": "tabs", ",": "commas"}
    found = [mark for mark in names if len(header) == 1 and mark in header[0]]
    if found and suffix_of(file.name) != ".parquet":
        own, other = names[_delimiter(file)], names[found[0]]
        remedy = "name it .tsv" if other == "tabs" else f"save it with {own}"
        raise UserError(
            f"Expected {own} between the columns of {file}, but its header '{header[0]:.60}' has "
            f"{other}: {remedy}."
        )


def find_column(name: str, header: Sequence[str], file: Path) -> str:
    """Return `name` if exactly one column is called so; raise `UserError` otherwise."""
    if header.count(name) == 1:
        return name
    if name in header:
        raise UserError(f"Expected one column '{name}' in {file}, but got {header.count(name)}.")
    check_separator(header, file)
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
        reader = csv.reader(read_lines(stream, file), delimiter=_delimiter(file), strict=True)
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
    """Yield the number of each line of a .smi file, its SMILES, and the name after it or ''.

    The name may contain spaces, and ends where a tab begins another column.
    """
    for line, (smiles, name, _) in _smi_columns(file):
        yield line, [smiles, name]


def count_smi(file: Path) -> int:
    """Return the number of molecules of a .smi file; warn of columns after names, if it has any."""
    count, first = 0, 0
    for line, (*_, more) in _smi_columns(file):
        count += 1
        first = first or (line if more else 0)
    if first:
        warn_user(
            f"Columns after the name are not read in {file} (first in line {first}): a .csv file "
            "may have more."
        )
    return count


def _smi_columns(file: Path) -> Iterator[tuple[int, tuple[str, str, str]]]:
    """Yield the number of each line of a .smi file, its SMILES, its name, and what comes after."""
    with open_text(file) as stream:
        for line, text in enumerate(read_lines(stream, file), 1):
            words = SMI.fullmatch(text)
            if words:
                smiles, extension, rest = words.groups()
                name, _, more = (rest or "").partition("\t")
                yield line, (f"{smiles} {extension or ''}".strip(), name.strip(), more.strip())


def warn_unread(header: Sequence[str], read: Collection[str], file: Path, remedy: str) -> None:
    """Warn, once, of the columns of a table that are not read; indices without a name are left out.

    >>> warn_unread(["smiles", ""], ["smiles"], Path("t.csv"), "name them")
    """
    index = "__index_level_"  # of pandas, in a Parquet file
    left = [name for name in header if name and name not in read and not name.startswith(index)]
    if left:
        more = f", … ({len(left)} in all)" if len(left) > SHOWN else ""
        shown = ", ".join(f"'{name:.60}'" for name in left[:SHOWN])
        verb = "is" if len(left) == 1 else "are"
        warn_user(f"{shown}{more} {verb} not read in {file}: {remedy}.")


def _delimiter(file: Path) -> str:
    return "\t" if suffix_of(file.name) == ".tsv" else ","


def _parquet(file: Path) -> Any:
    import pyarrow
    import pyarrow.parquet

    try:
        content = file.read_bytes()
        parquet = pyarrow.parquet.ParquetFile(io.BytesIO(content))
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError(f"Expected a readable file at {file}, but got: {reason}.") from error
    except (pyarrow.ArrowException, UnicodeDecodeError) as error:
        raise UserError(f"Expected a Parquet file at {file}, but got: {error}.") from error
    if not 0 <= parquet.metadata.num_rows <= EXPANSION * len(content):
        raise UserError(
            f"Expected rows with different SMILES in {file}, but its {parquet.metadata.num_rows:,} "
            f"rows are in {len(content):,} bytes: write it anew."
        )
    return parquet


def _parquet_rows(file: Path, columns: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    import pyarrow

    number = 0
    try:
        for batch in _parquet(file).iter_batches(columns=list(columns)):
            lists = [batch.column(name).to_pylist() for name in columns]
            for row in zip(*lists, strict=True):
                number += 1
                for name, value in zip(columns, row, strict=True):
                    if isinstance(value, bytes | list | dict):
                        raise _no_text(name, value, f"row {number} of {file}")
                yield number, [as_text(value) for value in row]
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        raise UserError(f"Expected a complete Parquet file at {file}, but got: {error}.") from error


def _no_text(column: str, value: bytes | list[Any] | dict[Any, Any], place: str) -> UserError:
    remedy = "save it as text" if isinstance(value, bytes) else "write one column for each entry"
    return UserError(
        f"Expected words or numbers in the column '{column}', but {place} has {value!r:.60}: "
        f"{remedy}."
    )
