"""Texts of a run are text in its report, and nothing in the page runs but its own script."""

import html
import json
import re
import shutil
import subprocess
import warnings
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from graph_hcl import plot
from graph_hcl.__main__ import main
from graph_hcl.reporting import page as pages
from graph_hcl.reporting.page import figure, page, section
from graph_hcl.reporting.script import SCRIPT, policy
from graph_hcl.reporting.theme import CSS

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
SPRING = "document.documentElement.dataset.sprung=1"
HOSTILE = (
    f"<script>{SPRING}</script>",
    f"<img src=x onerror={SPRING}>",
    f'"><svg onload={SPRING}>',
    f"</title></style></script><script>{SPRING}</script>",
    f"'-{SPRING}-'",
    f"<a href=javascript:{SPRING}>x",
    f"<style>@import url(http://127.0.0.1:9/)</style><iframe srcdoc='<script>parent.{SPRING}'>",
    "]]><!--",
    "&lt;script&gt;",
)


class Elements(HTMLParser):
    """The elements of a page, with their attributes, and the texts of scripts and styles."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.inside = ""

    def handle_starttag(self, tag, attrs) -> None:
        self.found.append((tag, dict(attrs)))
        self.inside = tag

    def handle_data(self, data) -> None:
        if self.inside in ("script", "style"):
            self.texts.append(data)

    def handle_endtag(self, tag) -> None:
        self.inside = ""


def check_page(text: str) -> None:
    parsed = Elements()
    parsed.feed(text)
    tags = [tag for tag, _ in parsed.found]
    assert tags.count("script") == tags.count("style") == 1
    assert [one for one in parsed.texts if one.strip()] == [CSS, SCRIPT]
    assert {"img", "iframe", "object", "embed", "link", "base", "form"}.isdisjoint(tags)
    for tag, attributes in parsed.found:
        assert not any(name.startswith("on") for name in attributes), (tag, attributes)
        for name in ("href", "xlink:href", "src"):
            assert str(attributes.get(name, "#")).startswith(("#", "data:image/png;base64,"))


TINY = [
    "--epochs",
    "1",
    "--hidden",
    "4",
    "--layers",
    "1",
    "--probe",
    "class-mean",
    "--probe.folds",
    "2",
]


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> Path:
    """Write the report of a run with hostile names everywhere; return it."""
    folder = tmp_path_factory.mktemp("hostile")
    rng, graphs = np.random.default_rng(0), []
    for number in range(24):
        nodes = 3 + number % 4
        edges = [[k, (k + 1) % nodes] for k in range(nodes)]
        graphs.append(
            {"edges": edges + [e[::-1] for e in edges], "x": rng.normal(size=(nodes, 2)).tolist(),
             "y": HOSTILE[number % 2], "id": HOSTILE[number % len(HOSTILE)],
             "part": f"{HOSTILE[2]}{number % 6}"}
        )  # fmt: skip
    data = folder / "<script>x<" / "<img src=x onerror=alert(1)>.jsonl"
    data.parent.mkdir()
    data.write_text("\n".join(map(json.dumps, graphs)), encoding="utf-8")
    out = folder / "<svg onload=alert(1)>"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert (
            main(
                ["train", "--dataset", str(data), "--data.groups", "part", *TINY, "--out", str(out)]
            )
            == 0
        )
        assert main(["report", str(out), str(out), "--out", str(folder / "r.html")]) == 0
    return folder / "r.html"


@pytest.mark.slow
def test_every_text_of_a_run_is_escaped(report: Path) -> None:
    text = report.read_text(encoding="utf-8")
    check_page(text)
    assert "&lt;svg onload" in text
    assert f'content="{policy()}"' in text


def test_all_that_makes_pages_escapes(tmp_path: Path) -> None:
    drawn = plot.svg(plot.embedding_map([[0, 0], [1, 1]], [7, 7]))
    for text in HOSTILE:
        check_page(
            page(
                text,
                pages.contents({text: text}),
                section(text, text, pages.table([text, text], [[text, text]])),
                pages.grid(text, [figure(drawn, text, "name", True)]),
                pages.collapsible(
                    text, pages.raw_table([text], [[pages.row_header(text, text, text)]])
                ),
            )
        )


def test_the_policy_allows_one_script_and_one_style() -> None:
    parts = dict(part.split(" ", 1) for part in policy().split("; "))
    assert parts["default-src"] == parts["script-src-attr"] == parts["base-uri"] == "'none'"
    assert re.fullmatch(r"'sha256-[\w+/=]+'", parts["script-src"])
    assert re.fullmatch(r"'sha256-[\w+/=]+'", parts["style-src-elem"])
    assert "unsafe-eval" not in policy()
    assert "http" not in policy()


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="no browser is installed")
def test_a_browser_runs_the_page_and_nothing_else(
    report: Path, tmp_path: Path, monkeypatch
) -> None:
    drive = (
        SCRIPT
        + """
    const box = document.querySelector(".find"), input = box.querySelector("input");
    input.value = "graph 1"; input.dispatchEvent(new Event("input"));
    document.documentElement.dataset.found = box.querySelector("output").textContent;
    document.documentElement.dataset.join =
      getComputedStyle(document.querySelector("figure svg path")).strokeLinejoin;
    document.documentElement.dataset.hover = document.querySelector(".point title").textContent;
    document.documentElement.dataset.width = document.querySelector("figure svg").clientWidth > 50;
    """
    )
    monkeypatch.setattr("graph_hcl.reporting.script.SCRIPT", drive)
    text = report.read_text(encoding="utf-8")
    head, _, rest = text.partition('content="default-src')
    injected = "".join(f"<div>{one}</div>" for one in HOSTILE[:3])
    own = f'{head}content="{policy()}"{rest.partition(chr(34))[2]}'.replace(SCRIPT, drive)
    style = "<style>body { color: rgb(1, 2, 3) !important }</style>"
    forced = own.replace("</h1>", f"</h1>{injected}{style}", 1)
    file = tmp_path / "forced.html"
    file.write_text(forced, encoding="utf-8")
    shown = subprocess.run(
        [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom",
         f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=3000", file.as_uri()],
        capture_output=True, text=True, timeout=120, check=True, encoding="utf-8",
    )  # fmt: skip
    root = html.unescape(re.search(r"<html[^>]*>", shown.stdout)[0])
    assert "data-sprung" not in root
    assert 'data-found="1 graph drawn"' in root
    assert 'data-join="round"' in root
    assert "graph " in root.partition("data-hover")[2]
    assert 'data-width="true"' in root
