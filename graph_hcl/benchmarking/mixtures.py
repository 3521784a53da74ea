"""What differs among records that stand in one table: commits, versions, processors, data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from graph_hcl.provenance import UNKNOWN


def mixtures(records: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return one sentence for each kind of thing that differs among the records of trials.

    The kinds are commits, versions of packages, processors, numbers of threads, and contents of the
    same data set. What an older record lacks counts as unknown. A commit that ends in "-dirty" is
    told even where it is the only one: it may stand for several states of the code.

    >>> mixtures([{"threads": 1}, {"threads": 8}, {"threads": 1}])
    ['Records of 2 numbers of threads: 1 (2), 8 (1).']
    >>> mixtures([{}, {}])
    []
    """
    rows = list(records)
    sentences = [_sentence("commits", [_short(row.get("commit")) for row in rows])]
    dirty = {c for row in rows if (c := str(_short(row.get("commit")))).endswith("-dirty")}
    if dirty:
        names = " and ".join(sorted(dirty))
        sentences.append(f"Records of {names} are of code with changes that are in no commit.")
    sentences.append(_sentence("combinations of versions", _versions(rows), "; "))
    sentences.append(_sentence("processors", [row.get("processor") for row in rows]))
    sentences.append(_sentence("numbers of threads", [row.get("threads") for row in rows]))
    contents: dict[str, list[Any]] = {}
    for row in rows:
        sha256 = row.get("data_sha256")
        contents.setdefault(str(row.get("dataset")), []).append(sha256 and f"{sha256[:12]}…")
    for name, hashes in contents.items():
        sentences.append(_sentence(f"contents of {name}", hashes))
    return [sentence for sentence in sentences if sentence]


def _sentence(kind: str, values: Iterable[Any], separator: str = ", ") -> str:
    """Return how often each value occurs, most frequent first; '' for a single one."""
    counts = Counter(UNKNOWN if value is None else str(value) for value in values)
    listed = separator.join(f"{value} ({count})" for value, count in counts.most_common())
    return f"Records of {len(counts)} {kind}: {listed}." if len(counts) > 1 else ""


def _short(commit: str | None) -> str | None:
    """Return the first digits of a commit, with the mark of uncommitted changes.

    >>> _short("0123456789abcdef0123-dirty")
    '0123456789ab-dirty'
    """
    if commit is None:
        return None
    head, dash, mark = commit.partition("-")
    return head[:12] + dash + mark


def _versions(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return for each record the versions of those packages whose versions differ."""
    given: list[Mapping[str, str]] = [row.get("versions") or {} for row in rows]
    names = dict.fromkeys(name for versions in given for name in versions)
    mixed = [name for name in names if len({versions.get(name) for versions in given}) > 1]
    return [", ".join(f"{name} {each.get(name, UNKNOWN)}" for name in mixed) for each in given]
