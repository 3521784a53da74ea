"""Download one file, with progress and limits."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from pathlib import Path

from graph_hcl.causes import FULL
from graph_hcl.data.archive import MAX_BYTES
from graph_hcl.errors import UserError
from graph_hcl.progress import Progress


def download(url: str, to: Path, *, unknown: str, advice: str) -> None:
    """Write what is at a URL to a file.

    Raises `UserError` with the sentence `unknown` if there is no such file, and with `advice` if it
    cannot be fetched or is larger than `MAX_BYTES`.
    """
    try:
        _fetch(url, to)
        return
    except urllib.error.HTTPError as error:
        if error.code == 404:
            raise UserError(unknown) from error
        reason = f"{error.code} {error.reason}"
    except (OSError, http.client.HTTPException, ValueError) as error:
        if isinstance(error, OSError) and error.errno in FULL:
            raise OSError(error.errno, error.strerror, str(to)) from error
        reason = str(getattr(error, "reason", error))
    raise UserError(f"Cannot fetch {url} ({reason}): {advice}")


def _fetch(url: str, to: Path) -> None:
    with urllib.request.urlopen(url, timeout=30) as response, to.open("wb") as file:
        size = int(response.headers.get("Content-Length") or 0)
        with Progress(to.name, size or None, "B") as bar:
            while chunk := response.read(1 << 16):
                file.write(chunk)
                bar.update(len(chunk))
                if bar.done > MAX_BYTES:
                    raise OSError(f"more than {MAX_BYTES >> 30} GiB")
    if size and to.stat().st_size != size:
        raise OSError(f"{to.stat().st_size} of {size} bytes arrived")
