"""Screenshots of a report, with Chromium."""

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from graph_hcl import report as report_command
from graph_hcl.console import run_command

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SCHEMES = {"dark": 0, "light": 1}
"""Chromium's numbers of the colour schemes."""
WIDTH, HEIGHT = 1180, 1000
TIMEOUT = 120


def browser() -> str | None:
    """Return the path of Chromium, or None where there is none."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


def write_report(runs: Iterable[Path], folder: Path) -> Path:
    """Write the report of the runs side by side, as `python -m graph_hcl.report` does."""
    page = folder / "report.html"
    code = run_command(report_command.main, [*map(str, runs), "--out", str(page)])
    if code:
        raise SystemExit(code)
    return page


def take(page: Path, theme: str, picture: Path, width: int = WIDTH, height: int = HEIGHT) -> Path:
    """Write the top of a page as PNG in a theme, light or dark; return its path."""
    program = browser()
    assert program is not None
    picture.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [
            program,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            f"--blink-settings=preferredColorScheme={SCHEMES[theme]}",
            f"--window-size={width},{height}",
            f"--screenshot={picture.resolve()}",
            page.resolve().as_uri(),
        ],
        check=True,
        capture_output=True,
        timeout=TIMEOUT,
    )
    return picture
