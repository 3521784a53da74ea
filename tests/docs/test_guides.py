"""The code on a guide is that of its example files."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = {
    "molecules": ["molecules"],
    "networkx": ["networkx_map"],
    "own-parts": ["own_parts"],
    "own-loop": ["own_loop", "lightning_module"],
}
"""The example files that each guide has whole, up to the heading below."""
END = "## What to change next"
SECTIONS = [END, "## Usual mistakes"]


def python_blocks(text: str) -> str:
    """Return the visible Python code of a page as one text.

    >>> python_blocks("```python\\nx = 1\\n```\\n")
    'x = 1\\n'
    """
    return "\n".join(block.partition("```")[0] for block in text.split("```python\n")[1:])


def statements(*codes: str) -> tuple[set[str], list[str]]:
    """Return the imports of some code, and its other statements in order, each once.

    A file has its imports on top, and a page where they are needed; a file begins with a text.

    >>> statements("'text'\\nx = 1\\nimport a")[1], statements("import a\\nx = 1", "x = 1")[1]
    (['x = 1'], ['x = 1'])
    """
    nodes = [node for code in codes for node in ast.parse(code).body]
    imports = {
        ast.unparse(ast.ImportFrom(node.module, [name], 0) if is_from else ast.Import([name]))
        for node in nodes
        if (is_from := isinstance(node, ast.ImportFrom)) or isinstance(node, ast.Import)
        for name in node.names
    }
    others = [
        ast.unparse(node)
        for node in nodes
        if not isinstance(node, ast.Import | ast.ImportFrom)
        and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
    ]
    return imports, list(dict.fromkeys(others))


@pytest.mark.parametrize("guide", EXAMPLES)
def test_a_guide_shows_its_example_files(guide: str) -> None:
    page = (ROOT / f"docs/guides/{guide}.md").read_text(encoding="utf-8")
    shown = statements(python_blocks(page.partition(END)[0]))
    files = [ROOT / f"examples/{name}.py" for name in EXAMPLES[guide]]
    assert shown == statements(*(file.read_text(encoding="utf-8") for file in files))
    assert all(f"../../examples/{file.name})" in page for file in files)


def test_the_benchmark_guide_shows_its_file() -> None:
    page = (ROOT / "docs/guides/reproduce.md").read_text(encoding="utf-8")
    shown = page.split("```yaml\n")[1].partition("```")[0]
    assert shown == (ROOT / "examples/table.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("guide", [*EXAMPLES, "reproduce"])
def test_a_guide_says_what_to_change_and_what_goes_wrong(guide: str) -> None:
    page = (ROOT / f"docs/guides/{guide}.md").read_text(encoding="utf-8")
    positions = [page.find(f"\n{section}\n") for section in SECTIONS]
    assert 0 < positions[0] < positions[1]


def test_each_example_has_a_guide() -> None:
    shown = {name for names in EXAMPLES.values() for name in names}
    assert {file.stem for file in (ROOT / "examples").glob("*.py")} == shown
