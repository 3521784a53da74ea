"""Text files of numbers, one row per line; errors name the line."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pyarrow
import pyarrow.csv
import torch
from torch import Tensor

from graph_hcl.errors import UserError

MAX_LINE = 1 << 20  # characters; also the block size of the fast reader, which limits its lines
INFINITE = 2.0**128 - 2.0**103  # from here on, numbers round to infinity in float32


def read_table(
    file: Path, *, whole: bool, columns: int | None = None, advice: str = "correct that line"
) -> Tensor:
    """Return the columns of a text file of numbers, [columns, rows], int64 or float32.

    Numbers are separated by commas, tabs or spaces. Blank lines, a byte order mark and the kind of
    line ending are ignored, and integers may be written `+1`, `1.0` or `1e0`. A file without any
    number has no rows. `columns` is the expected number; None takes that of the first line.

    Raises `UserError` with the file, the line, its content and `advice` for text that is not a
    number, lines of different lengths, and numbers beyond int64 or float32.
    """
    line, first = next(numbered_lines(file), (0, ""))
    if line == 0:
        return torch.empty(columns or 0, 0, dtype=torch.int64 if whole else torch.float32)
    width = len(_fields(first))
    if columns not in (None, width):
        _refuse(file, line, _count(columns, whole), _fields_in(width), advice)
    numbers = _read_fast(file, first, width, whole)
    if numbers is None:
        numbers = _read_slowly(file, width, whole, advice)
    return numbers


def numbered_lines(file: Path) -> Iterator[tuple[int, str]]:
    """Yield the number, from 1, and the stripped text of each line that is not blank.

    Raises `UserError` for a line of more than 2²⁰ characters.
    """
    # Bytes that are not UTF-8 become a replacement character, which is reported as not a number.
    with file.open(encoding="utf-8-sig", errors="replace") as stream:
        number = 0
        while line := stream.readline(MAX_LINE):
            number += 1
            if len(line) == MAX_LINE:
                raise UserError(
                    f"Expected lines of numbers in {file}, but line {number} has {MAX_LINE} "
                    "characters or more: check that it is a text file with a row per line."
                )
            if stripped := line.strip():
                yield number, stripped


def line_of_row(file: Path, row: int) -> int:
    """Return the number of the line that holds a row; rows count from 0."""
    for place, (number, _) in enumerate(numbered_lines(file)):
        if place == row:
            return number
    raise IndexError(row)


def _separator(line: str) -> str | None:
    return "," if "," in line else None


def _fields(line: str) -> list[str]:
    return [field.strip() for field in line.split(_separator(line))]


def _read_fast(file: Path, first: str, columns: int, whole: bool) -> Tensor | None:
    """Return the table, or None if the slow reader must read unusual forms or report an error."""
    delimiter = "," if columns == 1 or "," in first else "\t" if "\t" in first else " "
    # Types are given because the default infers them from the first block alone.
    names = [str(number) for number in range(columns)]
    kind = pyarrow.int64() if whole else pyarrow.float64()
    try:
        with file.open("rb") as stream:  # pyarrow takes only UTF-8 paths
            table = pyarrow.csv.read_csv(
                stream,
                pyarrow.csv.ReadOptions(
                    column_names=names,
                    block_size=MAX_LINE,
                    # Threads gain nothing on one block, and those of old versions may wait for
                    # each other for ever where it is refused.
                    use_threads=file.stat().st_size > MAX_LINE,
                ),
                pyarrow.csv.ParseOptions(delimiter=delimiter, quote_char=False),
                pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(names, kind), null_values=[]),
            )
    except pyarrow.ArrowInvalid:
        return None
    numbers = np.empty((columns, table.num_rows), np.int64 if whole else np.float32)
    for row, column in zip(numbers, table.columns, strict=True):
        start = 0
        for chunk in column.chunks:  # one at a time, to save a copy of the column
            with np.errstate(over="ignore"):  # infinity is checked below
                row[start : start + len(chunk)] = chunk.to_numpy()
            start += len(chunk)
    del table, column, chunk
    pyarrow.default_memory_pool().release_unused()  # or as much memory again stays allocated
    tensor = torch.from_numpy(numbers)
    return tensor if whole or bool(tensor.isfinite().all()) else None


def _read_slowly(file: Path, columns: int, whole: bool, advice: str) -> Tensor:
    numbers: array[Any] = array("q" if whole else "d")
    for line, text in numbered_lines(file):
        fields = _fields(text)
        if len(fields) != columns:
            _refuse(file, line, _count(columns, whole), _fields_in(len(fields)), advice)
        for field in fields:
            number = _whole(field) if whole else _real(field)
            if number is None:
                shown = field if len(field) <= 40 else f"{field[:40]}…"
                _refuse(file, line, _kind(whole), repr(shown), advice)
            numbers.append(number)
    table = torch.from_numpy(np.frombuffer(numbers, np.int64 if whole else np.float64))
    table = table.reshape(-1, columns).t().contiguous()
    return table if whole else table.float()


def _whole(field: str) -> int | None:
    """Return the int64 that a field holds, or None."""
    try:
        number = int(field)
    except ValueError:
        real = _real(field)
        # From 2⁵³ on, a float does not determine the integer.
        if real is None or not real.is_integer() or abs(real) >= 2**53:
            return None
        number = int(real)
    return number if "_" not in field and -(2**63) <= number < 2**63 else None


def _real(field: str) -> float | None:
    """Return the finite number that a field holds, or None."""
    try:
        number = float(field)
    except ValueError:
        return None
    return number if abs(number) < INFINITE and "_" not in field else None


def _kind(whole: bool) -> str:
    return "whole numbers of 64 bits" if whole else "finite numbers of 32 bits"


def _count(columns: int | None, whole: bool) -> str:
    number = "number" if columns == 1 else "numbers"
    return f"{columns} {'whole ' if whole else ''}{number} on each line"


def _fields_in(count: int) -> str:
    return f"{count} field{'s' * (count != 1)}"


def _refuse(file: Path, line: int, expected: str, got: str, advice: str) -> NoReturn:
    raise UserError(f"Expected {expected} in {file}, but line {line} has {got}: {advice}.")
