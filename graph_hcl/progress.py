"""Progress on stderr: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
import warnings
from types import TracebackType
from typing import Any

from tqdm import tqdm

SECONDS_BETWEEN_LINES = 5.0
"""Minimum time between plain lines, over all progress of the process."""

_last_line = -float("inf")


class Progress:
    """Shows progress up to `total` of `unit`; silent unless `show`.

    On a terminal it is a bar that disappears at the end, with warnings above it. Elsewhere (a log
    file, a pipe, a batch job) it prints lines such as `seed0: epoch 12 of 40, loss 4.1873, 9 s
    left`: the first at once, the others at least `SECONDS_BETWEEN_LINES` apart.

    >>> with Progress("fit", total=3, unit="epoch", show=False) as progress:
    ...     progress.update(loss="0.5")
    >>> progress.done
    1
    """

    def __init__(
        self, title: str, total: int | None, unit: str, *, done: int = 0, show: bool = True
    ) -> None:
        self.title, self.total, self.unit, self.done = title, total, unit, done
        self._first, self._start = done, time.monotonic()
        self._plain = show and not sys.stderr.isatty()
        self._bar: tqdm[Any] = tqdm(
            total=total,
            initial=done,
            desc=title,
            unit=unit,
            unit_scale=unit == "B",
            leave=False,
            disable=self._plain or not show,
        )
        self._before = self._warn = warnings.showwarning
        if not self._bar.disable:
            self._warn = warnings.showwarning = self._above  # type: ignore[assignment]  # as in workers

    def update(self, count: int = 1, **values: str) -> None:
        """Advance by `count`; `values` are shown next to the progress."""
        global _last_line
        self.done += count
        self._bar.update(count)
        if values:
            self._bar.set_postfix(values)
        if self._plain and time.monotonic() - _last_line >= SECONDS_BETWEEN_LINES:
            _last_line = time.monotonic()
            print(self._line(values), file=sys.stderr, flush=True)

    def _above(self, *warning: Any) -> None:
        """Show a warning on a line of its own, as it is shown without a bar."""
        with tqdm.external_write_mode(file=sys.stderr):
            self._before(*warning)

    def _line(self, values: dict[str, str]) -> str:
        if self.unit == "B":
            of = "" if self.total is None else f" of {self.total / 2**20:.1f}"
            parts = [f"{self.title}: {self.done / 2**20:.1f}{of} MiB"]
        else:
            of = "" if self.total is None else f" of {self.total}"
            parts = [f"{self.title}: {self.unit} {self.done}{of}"]
        parts += [f"{name} {value}" for name, value in values.items()]
        completed = self.done - self._first
        if self.total is not None and completed > 0 and self.done < self.total:
            seconds = (time.monotonic() - self._start) / completed
            parts.append(f"{duration(seconds * (self.total - self.done))} left")
        return ", ".join(parts)

    def close(self) -> None:
        """Remove the bar."""
        if warnings.showwarning == self._warn:
            warnings.showwarning = self._before
        self._bar.close()

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def duration(seconds: float) -> str:
    """Return a duration in a suitable unit.

    >>> duration(9.4), duration(150), duration(9000)
    ('9 s', '2.5 min', '2.5 h')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
