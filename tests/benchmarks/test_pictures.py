"""The pictures of the documentation: the command, the committed files, and how pages show them."""

import doctest
import json
import re
import shutil
import sys
from html.parser import HTMLParser
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest

from benchmarks.pages.pictures import __main__ as pictures
from benchmarks.pages.pictures import measured, screenshot
from benchmarks.pages.readme import ROOT
from graph_hcl.plot.themes import THEMES

FIGURES = ROOT / "docs" / "figures"
SVG_BYTES, PNG_BYTES = 150_000, 300_000
MARKDOWN = re.compile(r"!\[([^\]]*)\]\(([^)\s]+)")


def files(names=pictures.NAMES) -> set[str]:
    suffix = dict.fromkeys(pictures.NAMES, "svg") | {"report": "png"}
    return {f"{name}-{theme}.{suffix[name]}" for name in names for theme in THEMES}


@pytest.fixture
def small(tmp_path) -> Path:
    """Results of the committed kind, with few graphs."""
    found = json.loads((pictures.RESULTS / "pictures.json").read_text(encoding="utf-8"))
    found["labels"] = found["labels"][:50]
    found["maps"] = {name: [points[:50], text] for name, (points, text) in found["maps"].items()}
    (tmp_path / "pictures.json").write_text(json.dumps(found), encoding="utf-8")
    return tmp_path


def test_the_examples_in_the_docstrings_are_right() -> None:
    assert not doctest.testmod(measured).failed
    assert not doctest.testmod(pictures).failed


def test_two_runs_write_the_same_files(small: Path, capsys) -> None:
    for folder in ("a", "b"):
        flags = ["--results", str(small), "--out", str(small / folder)]
        assert pictures.main([*pictures.DRAWN, *flags]) == 0
    assert {path.name for path in (small / "a").iterdir()} == files(pictures.DRAWN)
    for path in (small / "a").iterdir():
        assert path.read_bytes() == (small / "b" / path.name).read_bytes()
        assert b"<dc:date>" not in path.read_bytes()
    assert capsys.readouterr().out.count(".svg\n") == 4 * len(pictures.DRAWN)
    flags = ["losses", "--results", str(small), "--out", str(small / "a"), "--check"]
    assert pictures.main(flags) == 0
    (small / "a" / "losses-dark.svg").write_text("<svg/>", encoding="utf-8")
    assert pictures.main(flags) == 1
    assert capsys.readouterr().out == f"out of date: {small / 'a' / 'losses-dark.svg'}\n"


def test_the_nearest_negatives_weigh_as_much_as_the_page_says() -> None:
    found = measured.read(pictures.RESULTS / "pictures.json").products
    weight = np.exp(5 * measured.inner_products(found) / 0.5)
    assert round(weight.max() / weight.mean(), -1) == 640
    assert round(weight.mean()) == 30
    page = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8").replace("\n", " ")
    assert "nearest negatives count 640 times the mean, and those at 0 a thirtieth of it" in page


def test_another_build_of_the_font_makes_no_other_picture(small: Path, capsys) -> None:
    flags = ["losses", "--results", str(small), "--out", str(small)]
    assert pictures.main(flags) == 0
    file = small / "losses-light.svg"
    text = file.read_text(encoding="utf-8")
    glyph = re.findall(r'id="(DejaVuSans-[0-9a-f]+)"', text)[-1]
    file.write_text(re.sub(rf"\b{glyph}\b", "DejaVuSans-fff", text), encoding="utf-8")
    assert pictures.main([*flags, "--check"]) == 0
    file.write_text(text.replace('d="M ', 'd="M 1', 1), encoding="utf-8")
    assert pictures.main([*flags, "--check"]) == 1


def test_a_picture_that_does_not_exist(capsys) -> None:
    with pytest.raises(SystemExit):
        pictures.main(["maps"])
    assert "Expected names from map-before, map-after," in capsys.readouterr().err


def test_the_committed_pictures_are_there_and_small() -> None:
    for name in files():
        limit = PNG_BYTES if name.endswith("png") else SVG_BYTES
        assert 1000 < (FIGURES / name).stat().st_size < limit, name


def test_the_committed_pictures_are_those_of_the_results() -> None:
    if measured.read(pictures.RESULTS / "pictures.json").matplotlib != mpl.__version__:
        pytest.skip("the pictures were drawn with another version of matplotlib")
    assert pictures.main(["--check"]) == 0


def test_pictures_load_nothing() -> None:
    for name in files() - files(["report"]):
        text = (FIGURES / name).read_text(encoding="utf-8")
        assert "<text" not in text  # letters are paths, so no font is needed
        assert not re.findall(r'(?:href|src)="(?!#|data:)', text)


def test_themes_differ_in_their_colours_alone() -> None:
    for name in ("losses", "weights", "spectra", "front"):
        light, dark = (
            (FIGURES / f"{name}-{theme}.svg").read_text(encoding="utf-8") for theme in THEMES
        )
        assert len(re.findall("<path", light)) == len(re.findall("<path", dark))
        for mine, text, other in (("light", light, "dark"), ("dark", dark, "light")):
            found = set(re.findall(r"(?:fill|stroke): (#[0-9a-f]{6})", text))
            assert THEMES[mine]["paper"] in found
            assert found <= set(THEMES[mine].values())
            assert not found & (set(THEMES[other].values()) - set(THEMES[mine].values()))


def test_without_a_browser_the_report_is_left_out(monkeypatch, capsys, tmp_path) -> None:
    monkeypatch.setattr(screenshot.shutil, "which", lambda name: None)
    assert pictures.main(["report", "--out", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("There is no Chromium here")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_pictures_are_measured_on_trained_runs(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = [name for name in pictures.NAMES if name not in ("front", "report")]
    if screenshot.browser() is not None:
        names.append("report")
    flags = ["--measure", "--epochs", "1", "--results", "results", "--out", "out"]
    assert pictures.main([*names, *flags]) == 0
    assert {path.name for path in Path("out").iterdir()} == files(names)
    found = measured.read(Path("results/pictures.json"))
    assert len(found.labels) == len(found.maps["h-ucl"][0]) == 1797
    assert [record["epoch"] for record in found.records] == [1]
    assert [len(values) for values in found.spectra.values()] == [96, 96, 96]


class Shown(HTMLParser):
    """The images of a page's HTML: source and alternative text; and the sources of others."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.images: list[tuple[str, str]] = []
        self.sources: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs) -> None:
        given = dict(attrs)
        if tag == "img":
            self.images.append((given["src"], given.get("alt") or ""))
        elif tag == "source":
            self.sources.append(given["srcset"])


PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_picture_of_a_page_is_there_and_has_an_alternative_text(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    shown = Shown(text)
    images = shown.images + [(source, alt) for alt, source in MARKDOWN.findall(text)]
    for source, alt in images:
        assert len(alt) > 3, source
    for source in [*shown.sources, *(source for source, _ in images)]:
        assert (page.parent / source).is_file(), source
    for dark in shown.sources:
        assert any(dark == source.replace("-light.", "-dark.") for source, _ in shown.images)


def test_the_site_shows_a_picture_in_the_readers_theme(tmp_path, monkeypatch) -> None:
    application = pytest.importorskip("sphinx.application")
    pytest.importorskip("myst_parser")
    monkeypatch.syspath_prepend(str(ROOT / "docs" / "_ext"))
    shutil.copy(FIGURES / "losses-light.svg", tmp_path / "a-light.svg")
    shutil.copy(FIGURES / "losses-dark.svg", tmp_path / "a-dark.svg")
    (tmp_path / "index.md").write_text(
        '# T\n\n<picture>\n<source media="x" srcset="a-dark.svg">\n<img src="a-light.svg" '
        'alt="Four losses">\n</picture>\n',
        encoding="utf-8",
    )
    settings = {"extensions": ["myst_parser", "pictures"]}
    folders = [str(tmp_path / name) for name in ("out", "trees")]
    site = application.Sphinx(
        str(tmp_path), None, *folders, "html", settings, status=None, warningiserror=True
    )
    site.build()
    text = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    for theme in THEMES:
        (image,) = re.findall(rf"<img[^>]*_images/a-{theme}\.svg[^>]*>", text)
        assert f"only-{theme}" in image
        assert 'alt="Four losses"' in image
        assert (tmp_path / "out" / "_images" / f"a-{theme}.svg").is_file()
    sys.modules.pop("pictures", None)
