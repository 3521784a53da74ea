"""The page on a phone, on paper and in the dark: its style sheet, and a browser if there is one."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from graph_hcl import plot
from graph_hcl.__main__ import main
from graph_hcl.plot.themes import THEMES
from graph_hcl.reporting.page import figure, page, table
from graph_hcl.reporting.theme import CSS, INKS, adapt

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")


def luminance(colour: str) -> float:
    channels = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_every_colour_of_figures_reads_in_the_dark() -> None:
    paper = luminance(INKS["#ffffff"][1])
    for name in THEMES["light"].keys() - {"paper"}:
        dark = luminance(THEMES["dark"][name])
        assert (dark + 0.05) / (paper + 0.05) > 4.5


def test_colours_of_drawings_follow_the_page() -> None:
    log = [{"epoch": k, "ucl": 1.0, "scl": 0.5, "h-ucl": 1.2, "h-scl": 0.7} for k in (1, 2)]
    for ax in (
        plot.losses(log, {"floor": 0.1}),
        plot.compare({str(k): log for k in range(9)}, "ucl", "UCL"),
        plot.embedding_map(np.random.default_rng(0).normal(size=(60, 2)), np.arange(60) % 30),
    ):
        left = set(re.findall(r"(?:fill|stroke): (#[0-9a-f]{6})", adapt(plot.svg(ax))))
        assert left == set()
    for variable in re.findall(r"var\((--\w+)", CSS + adapt(plot.svg(plot.losses(log)))):
        assert CSS.count(f"{variable}: ") in (1, 2)


def test_every_cell_of_a_table_knows_its_heading() -> None:
    text = table(["run", "accuracy <%>", "p"], [["a", "1", "2"], ["b", "3", "4"]], "rows")
    assert re.findall(r'data-head="([^"]*)">(\d)', text) == [
        ("accuracy &lt;%&gt;", "1"), ("p", "2"), ("accuracy &lt;%&gt;", "3"), ("p", "4"),
    ]  # fmt: skip


def test_braces_of_the_style_sheet_match() -> None:
    assert CSS.count("{") == CSS.count("}")
    assert "{{" not in CSS
    for feature in ("@media print", "@page", "prefers-color-scheme: dark", "max-width: 1000px"):
        assert feature in CSS


@pytest.fixture
def look(tmp_path):
    """Return a function that opens a page in a frame and gives back what a script finds in it."""
    if BROWSER is None:
        pytest.skip("no browser is installed")

    def run(file: Path, width: int, script: str):
        frame = tmp_path / "frame.html"
        frame.write_text(
            f'<iframe src="{file.resolve().as_uri()}" style="width:{width}px;height:800px;'
            'border:0"></iframe><pre></pre><script>const f = document.querySelector("iframe");'
            "f.onload = () => { const page = f.contentDocument, view = f.contentWindow;"
            f"document.querySelector('pre').textContent = JSON.stringify((() => {{{script}}})());"
            "};</script>",
            encoding="utf-8",
        )
        command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
        command += ["--allow-file-access-from-files", f"--user-data-dir={tmp_path / 'profile'}"]
        command += ["--virtual-time-budget=5000", frame.as_uri()]
        shown = subprocess.run(
            command, capture_output=True, text=True, timeout=120, check=True, encoding="utf-8"
        )
        return json.loads(html.unescape(re.search(r"<pre>(.*?)</pre>", shown.stdout, re.S)[1]))

    return run


@pytest.mark.slow
def test_the_accuracy_stands_on_the_screen(run, look) -> None:
    names = [run("hucl"), run("hucl", "a-run-with-a-name-" + "that-is-long-" * 8)]
    assert main(["report", *names]) == 0
    script = """
      const cell = page.querySelector("td[data-head^=accuracy]").getBoundingClientRect();
      return {right: cell.right, bottom: cell.bottom, width: cell.width,
              page: page.documentElement.scrollWidth, view: view.innerWidth};"""
    for width in (320, 375, 768, 1280):
        found = look(Path("report.html"), width, script)
        assert found["width"] > 0
        assert found["right"] <= found["view"] == width
        assert found["page"] <= width
        assert found["bottom"] < 800


@pytest.mark.slow
def test_the_box_finds_points_and_no_other_script_runs(look) -> None:
    y = np.arange(200) % 40
    drawn = plot.svg(plot.embedding_map(np.random.default_rng(0).normal(size=(200, 2)), y))
    hostile = "<script>document.title = 'run'</script><img src=x onerror=\"document.title='run'\">"
    Path("map.html").write_text(
        page("quiet", figure(drawn, "caption", "map", True), hostile), encoding="utf-8"
    )
    script = """
      const box = page.querySelector(".find"), input = box.querySelector("input"), found = [];
      for (const text of ["7", "Class 7", "graph  12", "nothing", ""]) {
        input.value = text; input.dispatchEvent(new view.Event("input"));
        found.push([box.querySelector("output").textContent, page.querySelectorAll(".hit").length,
                    page.querySelector("svg").classList.contains("searched")]);
      }
      return {found, hidden: box.hidden, title: page.title};"""
    found = look(Path("map.html"), 800, script)
    assert found["found"] == [
        ["5 graphs drawn", 6, True],
        ["5 graphs drawn", 6, True],
        ["1 graph drawn", 1, True],
        ["0 graphs drawn", 0, True],
        ["", 0, False],
    ]
    assert found["hidden"] is False
    assert found["title"] == "quiet"
