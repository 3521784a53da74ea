"""Writes a page for each data set, from its card, when the documentation is built.

The pages go to docs/data/cards/, which git ignores; one whose card is gone is removed. In
docs/data/cards.md a table of all data sets takes the place of a comment.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from benchmarks.science.table import table
from graph_hcl.data import Card, get_card, list_datasets

ROOT = Path(__file__).parents[2]
LIST = "data/cards"
PLACE = "<!-- the table of all data sets: written when the site is built -->"
OFFLINE = ("MUTAG", "digits")
"""Sets that installed packages carry, as their notes say."""
FETCHED = "Fetched once from its source, or from a mirror, see [Data](../index.md)."
DEVELOPMENT = "development"
FEATURES = {
    "labels": "The labels of its nodes, one-hot.",
    "attributes": "Continuous attributes of its nodes, the only features that there are.",
    "degree-one-hot": "The degrees of its nodes, one-hot, since there are no labels and no "
    "attributes; from degree {cap} on they share a column.",
    "degree-log": "One number for each node, log(1 + degree), since there are no labels and no "
    "attributes.",
}
MOLECULES = "Atoms by nine categories and bonds by three, one-hot: those of the benchmark."


def roles(root: Path = ROOT) -> dict[str, list[str]]:
    """Return the benchmarks with records that each data set is part of."""
    found: dict[str, list[str]] = {}
    for file in sorted((root / "configs" / "benchmark").glob("*.yaml")):
        if (root / "benchmarks" / "results" / f"{file.stem}.jsonl").is_file():
            for name in yaml.safe_load(file.read_text(encoding="utf-8"))["datasets"]:
                found.setdefault(name, []).append(file.stem)
    return found


def is_molecular_benchmark(card: Card) -> bool:
    """Tell whether the card is of the Open Graph Benchmark, whose sets have their own split."""
    return card.name.startswith("ogbg-")


def target(card: Card) -> str:
    """Return what there is to predict.

    >>> target(get_card("MUTAG")), target(get_card("ogbg-molesol"))
    ('2 classes', 'a number')
    """
    return f"{card.classes} classes" if card.classes else "a number"


def features(card: Card) -> list[str]:
    """Return what the encoder gets of the data set, in sentences."""
    if is_molecular_benchmark(card):
        return [MOLECULES]
    lines = [FEATURES[card.features].format(cap=card.degree_cap)]
    if card.features == "labels" and "node_attributes" in card.sha256:
        lines.append("With `--data.node-attributes true`, their continuous attributes, too.")
    if any(name.startswith("edge_") for name in card.sha256):
        lines.append("Edges have labels, which `--backbone gine`, `gps`, `gat` and `pna` read.")
    return lines


def commands(card: Card) -> list[str]:
    """Return commands that train on the data set."""
    start = f"python -m graph_hcl.train --dataset {card.name}"
    if is_molecular_benchmark(card):
        return [f"{start} --backbone gine --protocol inductive --probe.splits official"]
    lines = [start]
    if card.features == "labels" and "node_attributes" in card.sha256:
        lines.append(f"{start} --data.node-attributes true")
    return [*lines, f"{start} --objective h-scl"]


def role(parts: Sequence[str]) -> str:
    """Return whether results may be reported on a data set, in a sentence."""
    if DEVELOPMENT in parts:
        return (
            "A development set: the library's settings may be chosen on it, so it stands in no "
            "table of [results](../../results.md)."
        )
    if parts:
        links = ", ".join(f"[{part}](../../results.md#{part})" for part in parts)
        return (
            f"Measured in these tables: {links}. A method whose settings were chosen on it is "
            "marked there and not tested."
        )
    return "Part of no table of [results](../../results.md)."


def score(entry: dict[str, Any]) -> str:
    """Return a published accuracy with its deviation.

    >>> score({"accuracy": 80.7, "std": 3.0, "std_over": "folds"})
    '80.7 (3.0)'
    """
    text = f"{entry['accuracy']:.1f}"
    if entry["std"] is None:
        return text
    return text + (
        f" ({entry['std']:.1f})" if entry["std_over"] == "folds" else f" ± {entry['std']:.1f}"
    )


def published(card: Card) -> str:
    """Return the table of published accuracies, those that saw test folds marked with †."""
    rows = []
    for entry in card.published:
        protocol, _, reason = entry["protocol"].partition("; leaky: ")
        seen = reason or ("some of them did" if "leaky" in protocol else "")
        mark = " †" if seen else ""
        rows.append([entry["method"] + mark, score(entry), protocol.split(", leaky")[0], seen])
    if not any(row[-1] for row in rows):
        return table(["method", "accuracy, %", "protocol"], [row[:-1] for row in rows])
    head = ["method", "accuracy, %", "protocol", "what was chosen with the test folds in view"]
    return table(head, rows)


def page(card: Card, parts: Sequence[str]) -> str:
    """Return the page of a data set in Markdown; `parts` are the benchmarks that it is part of."""
    where = "" if card.name in OFFLINE else FETCHED
    head = ["graphs", "to predict", "nodes per graph", "edges per graph"]
    row = [str(card.graphs), target(card), str(card.average_nodes), str(card.average_edges)]
    sections = [
        f"# {card.name}",
        " ".join(card.notes.split()),
        table(head, [row]),
        f"{role(parts)} {where}".strip(),
        f"Please cite {card.citation}. [Source]({card.source})",
        "## What the encoder gets",
        "\n".join(features(card)),
        "## Train on it",
        "\n".join(["```sh", *commands(card), "```"]),
    ]
    if card.preset:
        preset = yaml.safe_dump(card.preset, sort_keys=False, allow_unicode=True).strip()
        sections += [
            "These settings hold on this data set unless flags or `--config` say otherwise:",
            f"```yaml\n{preset}\n```",
        ]
    if card.published:
        note = "Mean ± deviation over repetitions, or (deviation over folds)."
        if "†" in published(card):
            note += " † Too high to compare with: a choice was made with the test folds in view."
        sections += ["## Published results", note, published(card)]
    if card.sha256:
        rows = [[f"`{name}`", f"`{digest[:16]}…`"] for name, digest in card.sha256.items()]
        sections += [
            "## Files",
            "Checked when they are fetched, and when a run is resumed or evaluated; the whole "
            f"hashes are in `datasets/{card.name}.yaml`.",
            table(["file", "sha256"], rows),
        ]
    return "\n\n".join(part for part in sections if part) + "\n"


def overview(cards: Sequence[Card], parts: dict[str, list[str]]) -> str:
    """Return the table of all data sets in Markdown."""
    head = ["data set", "graphs", "to predict", "nodes", "edges", "features", "for"]
    rows = [
        [
            f"[{card.name}](cards/{card.name}.md)",
            *(str(card.graphs), target(card), str(card.average_nodes), str(card.average_edges)),
            "atoms and bonds" if is_molecular_benchmark(card) else card.features,
            _purpose(parts.get(card.name, [])),
        ]
        for card in cards
    ]
    return table(head, rows)


def _purpose(parts: Sequence[str]) -> str:
    if DEVELOPMENT in parts:
        return "development"
    return "results" if parts else "–"


def write_pages(folder: Path) -> list[Path]:
    """Write the pages that changed, remove those without a card, and return all files."""
    folder.mkdir(parents=True, exist_ok=True)
    parts, files = roles(), []
    for name in list_datasets():
        file, text = folder / f"{name}.md", page(get_card(name), parts.get(name, []))
        # An untouched file is not read again by the next build.
        if not file.is_file() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")
        files.append(file)
    for other in set(folder.glob("*.md")) - set(files):
        other.unlink()
    return files


def _write(app: Any) -> None:
    write_pages(Path(app.srcdir) / LIST)


def _list(app: Any, name: str, source: list[str]) -> None:
    if name == LIST:
        for file in (ROOT / "datasets").glob("*.yaml"):
            app.env.note_dependency(str(file))
        cards = [get_card(one) for one in list_datasets()]
        source[0] = source[0].replace(PLACE, overview(cards, roles()))


def setup(app: Any) -> dict[str, Any]:
    """Write the pages before Sphinx looks for files, and the table when it reads the list."""
    app.connect("builder-inited", _write)
    app.connect("source-read", _list)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
