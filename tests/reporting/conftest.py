"""Runs on MUTAG, trained once for all tests of reports, and what a browser gets of their pages."""

import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from graph_hcl.__main__ import main
from graph_hcl.reporting.script import SCRIPT, policy

QUICK = ["--epochs", "2", "--hidden", "8", "--layers", "2", "--probe.name", "class-mean"]
RUNS = {
    "hucl": [],
    "ucl": ["--objective", "ucl", "--repeats", "2", "--seed", "3"],
    "hscl": ["--objective", "h-scl", "--probe.folds", "3"],
    "one-view": ["--objective", "scl", "--views", '["identity"]', "--probe.folds", "3"],
    "latent": ["--objective", "h-scl", "--loss.negatives", "all", "--probe.folds", "3"],
    "mass": ["--loss.hardening", "class-mass"],
    "threshold": ["--loss.hardening", "threshold", "--loss.hardening-options.tau", "1.5"],
    "info": ["--objective", "infograph", "--projection.normalize", "none"],
    "hinfo": ["--objective", "h-infograph"],
    "supcon": ["--objective", "supcon", "--probe.folds", "3"],
    "blind": ["--diagnose", "false"],
    "none": ["--epochs", "0"],
}


def pytest_generate_tests(metafunc) -> None:
    """Give a test that asks for `any_run` the name of every run."""
    if "any_run" in metafunc.fixturenames:
        metafunc.parametrize("any_run", RUNS)


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def somewhere(home, tmp_path, monkeypatch):
    monkeypatch.setenv("GRAPH_HCL_DATA", str(home / "data"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run(home, tmp_path):
    """Return a copy of the run of a name, trained once for all tests."""

    def copy(name: str, to: str | None = None) -> str:
        trained = home / name
        if not trained.exists():
            quick = QUICK[2:] if "--epochs" in RUNS[name] else QUICK
            assert (
                main(["train", "--dataset", "MUTAG", *quick, *RUNS[name], "--out", str(trained)])
                == 0
            )
        shutil.copytree(trained, tmp_path / (to or name))
        return to or name

    return copy


class Page(HTMLParser):
    """Ids, addresses, tags that are open, and the text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.tags: list[str] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag not in ("meta", "link", "img", "br", "hr", "input"):
            self.open.append(tag)
        self.note(attrs)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.note(attrs)

    def note(self, attrs):
        for name, value in attrs:
            if name == "id":
                self.ids.append(value)
            elif name in ("href", "src", "xlink:href", "srcset", "data", "action"):
                self.addresses.append(value)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


@pytest.fixture
def check_page():
    """Return a function that reads a page after checking that it is whole and stands alone."""
    return _check_page


@pytest.fixture
def read_page():
    """Return the class that reads HTML."""
    return Page


def _check_page(path: Path) -> Page:
    """Return the page after checking that it is whole and stands alone."""
    text = path.read_text(encoding="utf-8")
    page = Page(text)
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    names = set(page.ids)
    fetched = [a for a in page.addresses if not a.startswith(("#", "data:image/png;base64,"))]
    assert fetched == []
    assert {address[1:] for address in page.addresses if address.startswith("#")} <= names
    assert set(re.findall(r"url\(#?([^)]*)\)", text)) <= names
    assert not {"link", "img", "iframe", "object", "form", "base"} & set(page.tags)
    assert page.tags.count("script") == 1
    assert f"<script>{SCRIPT}</script></body></html>" in text
    rest = text.replace(f'http-equiv="Content-Security-Policy" content="{policy()}"', "")
    assert rest != text
    rest = re.sub(r'xmlns(:xlink)?="[^"]*"|"data:image/png;base64,[^"]*"', "", rest)
    assert "http" not in rest
    assert "@import" not in rest
    return page
