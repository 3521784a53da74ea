"""Completion in bash, by the script that a user installs; zsh and fish where they are installed."""

import shutil
import subprocess
from pathlib import Path

import pytest

from graph_hcl.__main__ import main
from graph_hcl.completion import SHELLS, script
from graph_hcl.registries import BACKBONES, OBJECTIVES, PROBES

ASK = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 )); COMPREPLY=()
_shtab_graph_hcl 2>/dev/null
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def bash(tmp_path_factory):
    if not shutil.which("bash"):
        pytest.skip("needs bash")
    folder = tmp_path_factory.mktemp("here")
    (folder / "runs" / "MUTAG-ucl-0").mkdir(parents=True)
    (folder / "mine.yaml").touch()
    file = folder / "completion.bash"
    file.write_text(script("bash"), encoding="utf-8")

    def complete(line: str) -> set[str]:
        command = ["bash", "-c", ASK, "bash", str(file), *line.split(" ")]
        done = subprocess.run(
            command, capture_output=True, text=True, encoding="utf-8", cwd=folder, check=True
        )
        return set(done.stdout.split())

    return complete


def begins(names, start: str) -> set[str]:
    return {name for name in names if name.startswith(start)}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("graph-hcl tr", {"train"}),
        ("graph-hcl train --ob", {"--objective"}),
        ("graph-hcl train --loss.ta", {"--loss.tau-plus"}),
        ("graph-hcl train --loss.hardening-o", {"--loss.hardening-options"}),
        ("graph-hcl train --objective h", begins(OBJECTIVES.names(), "h")),
        ("graph-hcl train --backbone g", begins(BACKBONES.names(), "g")),
        ("graph-hcl train --probe l", begins(PROBES.names(), "l")),
        ("graph-hcl evaluate runs --probe.name l", begins(PROBES.names(), "l")),
        ("graph-hcl train --metric r", {"roc_auc", "rmse", "r2"}),
        ("graph-hcl train --dataset MUT", {"MUTAG"}),
        ("graph-hcl train --dataset mi", {"mine.yaml"}),
        ("graph-hcl train --data.undirected t", {"true"}),
        ("graph-hcl train --views identity edge", {"edge_drop", "edge_add", "edge_mask"}),
        ("graph-hcl train --encoder.jk l", {"last"}),
        ("graph-hcl train --config mi", {"mine.yaml"}),
        ("graph-hcl train --resume r", {"runs"}),
        ("graph-hcl train --resume mi", set()),
        ("graph-hcl evaluate runs/M", {"runs/MUTAG-ucl-0"}),
        ("graph-hcl report runs/MUTAG-ucl-0 runs/M", {"runs/MUTAG-ucl-0"}),
        ("graph-hcl benchmark mi", {"mine.yaml"}),
        ("graph-hcl completion z", {"zsh"}),
        ("graph-hcl report --allow", {"--allow-changed-data"}),
    ],
)
def test_bash_completes(line: str, expected: set[str], bash) -> None:
    assert bash(line) == expected


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_is_printed_and_valid(shell: str, capsys, tmp_path) -> None:
    assert main(["completion", shell]) == 0
    text = capsys.readouterr().out
    assert text == script(shell) + "\n"
    for word in ("loss.tau-plus", "h-infograph", "graphsage", "MUTAG"):
        assert word in text
    if shutil.which(shell):
        file = Path(tmp_path, "script")
        file.write_text(text, encoding="utf-8")
        subprocess.run([shell, "-n", str(file)], check=True)


def test_an_unknown_shell_is_one_sentence(capsys) -> None:
    assert main(["completion", "csh"]) == 2
    assert capsys.readouterr().err == (
        "error: Expected SHELL to be bash, zsh or fish, but got 'csh'.\n"
    )
