"""What stands around the code: metadata, changelog, citation, templates and the workflow."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import graph_hcl
from graph_hcl.schema import MOVED, flag, setting_types

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
IMPORTED_AS = {
    "torch-geometric": "torch_geometric",
    "scikit-learn": "sklearn",
    "pyyaml": "yaml",
    "torch-scatter": "torch_scatter",
    "umap-learn": "umap",
}
"""Distributions whose module has another name."""


def read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def requirements(lines: list[str]) -> dict[str, str]:
    """Return the lower bound of each distribution, by its normalised name."""
    found = [re.match(r"([\w.-]+)(?:\[[\w,]+\])?(?:>=([\w.]+))?", line) for line in lines]
    return {one[1].lower().replace("_", "-"): one[2] or "" for one in found if one}


def test_every_imported_package_is_declared() -> None:
    extras = PROJECT["optional-dependencies"].values()
    lines = [line for group in (PROJECT["dependencies"], *extras) for line in group]
    declared = {IMPORTED_AS.get(name, name.replace("-", "_")) for name in requirements(lines)}
    used = set()
    for file in (ROOT / "graph_hcl").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                used |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                used.add(node.module.partition(".")[0])
    assert {"torch", "scipy", "joblib", "rdkit"} <= used
    assert used - {*sys.stdlib_module_names, "graph_hcl"} <= declared


def pins(name: str) -> dict[str, str]:
    lines = [line for line in read(name).splitlines() if line and not line.startswith("#")]
    assert all(line.count("==") == 1 for line in lines)
    return {
        name.lower().replace("_", "-"): version for name, version in (x.split("==") for x in lines)
    }


def test_the_lowest_versions_are_those_that_are_tested() -> None:
    extras = PROJECT["optional-dependencies"]
    claimed = requirements([*PROJECT["dependencies"], *extras["fast"], *extras["molecules"]])
    tested = pins("constraints-lowest.txt")

    for name, least in claimed.items():
        assert least, f"{name} has no lower bound"
        numbers = least.split(".")
        assert tested[name].split(".")[: len(numbers)] == numbers, name


def test_what_a_developer_installs_is_pinned() -> None:
    extras = PROJECT["optional-dependencies"]
    needed = requirements([*PROJECT["dependencies"], *extras["test"], *extras["dev"]])
    assert {*needed} - {"graph-hcl"} <= {*pins("constraints.txt")}


def test_the_version_is_told_once() -> None:
    assert "version" not in PROJECT
    releases = re.findall(r"^## (\d[\d.]*) – (\d{4}-\d\d-\d\d)$", read("CHANGELOG.md"), re.M)
    assert releases == sorted(releases, key=lambda row: row[1], reverse=True)
    assert releases[0][0] == graph_hcl.__version__
    citation = yaml.safe_load(read("CITATION.cff"))
    assert (citation["version"], str(citation["date-released"])) == releases[0]


def test_the_citation_has_what_its_format_asks_for() -> None:
    citation = yaml.safe_load(read("CITATION.cff"))
    assert citation["cff-version"] == "1.2.0"
    assert {"message", "title", "authors", "type", "license"} <= set(citation)
    assert citation["authors"] == [{"name": "The graph_hcl developers"}]
    for work in citation["references"]:
        assert {"type", "title", "authors", "year"} <= set(work)
        assert all({"family-names", "given-names"} <= set(author) for author in work["authors"])


def test_the_changelog_names_every_renamed_setting() -> None:
    rows = re.findall(r"^\| (.+) \| (.+) \|$", read("CHANGELOG.md"), re.M)
    renamed = {}
    for before, after in rows:
        olds, news = re.findall(r"`--([\w.-]+)`", before), re.findall(r"`--([\w.-]+)`", after)
        renamed |= dict(zip(olds, news, strict=True))
    assert renamed == {flag(old)[2:]: flag(new)[2:] for old, new in MOVED.items()}
    for words in re.findall(
        r"`--([\w.-]+)", re.sub(r"^\|.*$", "", read("CHANGELOG.md"), flags=re.M)
    ):
        known = setting_types().keys() | {"help", "resume", "trust_code", "compare_to", "metric"}
        assert words.replace("-", "_") in known, words


def test_every_name_in_the_changelog_exists() -> None:
    import importlib

    rows = re.findall(r"^\| .+ \| (.+) \|$", read("CHANGELOG.md"), re.M)
    names = [name for row in rows for name in re.findall(r"`(\w+\.[\w.]+)`", row)]
    assert len(names) > 8
    for name in names:
        module, _, attribute = name.rpartition(".")
        package = module if module.startswith("graph_hcl") else f"graph_hcl.{module}"
        if module == "graph_hcl":
            assert importlib.import_module(name)
        elif module != "store":
            assert hasattr(importlib.import_module(package), attribute), name


@pytest.mark.parametrize("file", sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml")))
def test_a_form_of_an_issue_is_whole(file: Path) -> None:
    form = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert {"name", "description", "body"} <= set(form)
    ids = [field["id"] for field in form["body"]]
    assert len(ids) == len({*ids})
    assert all(field["attributes"]["label"] for field in form["body"])


def test_the_workflow_runs_what_is_run_here() -> None:
    workflow = yaml.safe_load(read(".github/workflows/tests.yml"))
    jobs = workflow["jobs"]
    steps = [str(step.get("run", "")) for job in jobs.values() for step in job["steps"]]
    assert any(".ci/run" in step for step in steps)
    assert any("constraints-lowest.txt" in step for step in steps)
    claimed = {
        line.rpartition(" ")[2] for line in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", line)
    }
    assert {*jobs["everything"]["strategy"]["matrix"]["python"]} == claimed


def test_hooks_need_nothing_but_the_extra_dev() -> None:
    (repository,) = yaml.safe_load(read(".pre-commit-config.yaml"))["repos"]
    assert repository["repo"] == "local"
    tools = {hook["entry"].split()[0] for hook in repository["hooks"]}
    assert tools == {"ruff", "codespell", "mypy"}
    assert all(hook["language"] == "system" for hook in repository["hooks"])
    assert tools <= {*requirements(PROJECT["optional-dependencies"]["dev"])}
    script = read(".ci/run")
    assert all(re.search(rf"^{tool}\b", script, re.M) for tool in tools)
