"""What the system refuses costs one sentence and exit 2, and loses nothing."""

import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import SafetensorError

import graph_hcl.data.store_file
import graph_hcl.embedding_files
import graph_hcl.files
import graph_hcl.training.checkpoint
import graph_hcl.training.loop
from graph_hcl.__main__ import main
from graph_hcl.console import BUG, run_command, with_relative_paths
from graph_hcl.provenance import versions

FAST = [
    *("--dataset", "MUTAG", "--hidden", "8", "--layers", "1", "--probe.folds", "3"),
    *("--probe.name", "class-mean", "--device", "cpu"),
]
TRAIN = ["train", *FAST, "--epochs", "1", "--out", "new"]
EMBED = ["embed", "run", "--out", "e.npz"]
REPORT = ["report", "run", "--out", "r.html"]
EVALUATE = ["evaluate", "run", "--probe.name", "knn"]
RESUME = ["train", "--resume", "run", "--epochs", "2"]
FULL = OSError(28, "No space left on device")
FULL_IN_RUST = SafetensorError(
    "Error while serializing: I/O error: No space left on device (os error 28)"
)


@pytest.fixture(scope="module")
def whole():
    """A folder that other users can enter, with a finished run of one epoch."""
    place = Path(tempfile.mkdtemp())
    place.chmod(0o755)
    assert main([*TRAIN[:-1], str(place / "run"), "--data-dir", str(place / "data")]) == 0
    with pytest.MonkeyPatch.context() as patched:
        shutil.copytree(place / "run", place / "imports" / "run")
        patched.chdir(place / "imports")
        patched.setenv("GRAPH_HCL_DATA", str(place / "data"))
        for command in (RESUME, EVALUATE, EMBED, REPORT):  # another user may not import their parts
            assert main(command) == 0
    yield place
    shutil.rmtree(place)


@pytest.fixture
def folder(whole, monkeypatch):
    """Work beside a copy of the run."""
    place = Path(tempfile.mkdtemp(dir=whole))
    place.chmod(0o755)
    shutil.copytree(whole / "run", place / "run")
    monkeypatch.chdir(place)
    monkeypatch.setenv("GRAPH_HCL_DATA", str(whole / "data"))
    yield place
    shutil.rmtree(place)


def raising(error: BaseException) -> Callable:
    def fails(*arguments, **options):
        raise error

    return fails


def said(capsys) -> str:
    """Return the error, which is one sentence."""
    lines = capsys.readouterr().err.splitlines()
    errors = [line for line in lines if line.startswith("error: ")]
    assert len(errors) == 1
    assert errors[0].endswith(".")
    assert not any("Traceback" in line for line in lines)
    return errors[0]


def left_over() -> list[Path]:
    return [file for file in Path().rglob("*") if file.name.endswith((".tmp", ".lock"))]


@pytest.mark.parametrize(
    ("module", "name", "error", "command"),
    [
        (graph_hcl.training.checkpoint, "save_file", FULL_IN_RUST, TRAIN),
        (graph_hcl.training.checkpoint, "save_file", FULL, RESUME),
        (graph_hcl.data.store_file, "save_file", FULL_IN_RUST, [*TRAIN, "--data-dir", "d"]),
        (os, "fsync", FULL, TRAIN),
        (os, "fsync", FULL, EVALUATE),
        (os, "fsync", OSError(122, "Disk quota exceeded"), RESUME),
        (os, "fsync", OSError(5, "Input/output error"), REPORT),
        (np, "savez", FULL, EMBED),
        (os, "fsync", FULL, ["embed", "run", "--out", "e.parquet"]),
        (os, "fsync", FULL, ["embed", "run", "--out", "e.csv"]),
    ],
)
def test_a_full_disk(folder, module, name, error, command, monkeypatch, capsys) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(module, name, raising(error))
        assert main(command) == 2
    text = said(capsys)
    assert getattr(error, "strerror", "No space left on device") in text
    assert ".tmp" not in text
    assert left_over() == []
    assert main(RESUME if command is RESUME else EVALUATE) == 0  # the run is as good as before


def test_a_training_on_a_full_disk_goes_on_to_the_same_bytes(folder, monkeypatch, capsys) -> None:
    train = ["train", *FAST, "--epochs", "3", "--out"]
    assert main([*train, "straight"]) == 0
    save, calls = graph_hcl.training.checkpoint.save_file, []

    def fails_once(*arguments):
        calls.append(1)
        if len(calls) == 2:
            raise FULL_IN_RUST
        save(*arguments)

    monkeypatch.setattr(graph_hcl.training.checkpoint, "save_file", fails_once)
    assert main([*train, "filled"]) == 2
    assert "No space left on device" in said(capsys)
    assert main(["train", "--resume", "filled"]) == 0
    checkpoints = [Path(run, "checkpoint", "seed0.safetensors") for run in ("straight", "filled")]
    assert checkpoints[0].read_bytes() == checkpoints[1].read_bytes()


@pytest.mark.skipif(sys.platform == "win32", reason="no limit of file sizes")
def test_a_limit_of_file_sizes(folder) -> None:
    command = f"ulimit -f 4; {sys.executable} -m graph_hcl {' '.join(TRAIN)}"
    done = subprocess.run(
        ["bash", "-c", command],
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},  # Python would keep what the limit cut
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 2
    last = done.stderr.splitlines()[-1]
    assert last.startswith("error: Expected to use new/checkpoint/seed0.safetensors, but got 'File")


@pytest.fixture
def other_user(folder):
    """Be a user who may read and write only what everybody may, where the tests are run by root."""
    if sys.platform == "win32":
        pytest.skip("no permissions of this kind")
    is_root = os.geteuid() == 0

    versions()  # an environment in a temporary folder is closed to others

    def become() -> None:
        if is_root:
            os.seteuid(65534)

    yield become
    if is_root:
        os.seteuid(0)
    for file in (Path(), *Path().rglob("*")):
        file.chmod(0o755)


CHECKPOINT = "run/checkpoint/seed0.safetensors"


@pytest.mark.parametrize(
    ("hidden", "command", "named"),
    [
        (CHECKPOINT, EMBED, CHECKPOINT),
        (CHECKPOINT, REPORT, CHECKPOINT),
        (CHECKPOINT, [*TRAIN, "--init-from", "run"], CHECKPOINT),
        ("run/checkpoint", EMBED, "run/checkpoint"),
        ("run/checkpoint", RESUME, "run/checkpoint"),
        ("run/config.yaml", EMBED, "run/config.yaml"),
        ("run/manifest.json", EMBED, "run/manifest.json"),
        ("run/metrics.jsonl", REPORT, "run/metrics.jsonl"),
        ("run/results.json", REPORT, "run/results.json"),
        ("run", REPORT, "run/config.yaml"),
    ],
)
def test_what_cannot_be_read(other_user, hidden, command, named, capsys) -> None:
    Path(hidden).chmod(0)
    other_user()
    assert main(command) == 2
    text = said(capsys)
    assert f"{named}, but got 'Permission denied': change its permissions" in text


@pytest.mark.parametrize("command", [TRAIN, EMBED, REPORT, EVALUATE, RESUME], ids=lambda c: c[0])
def test_what_cannot_be_written(other_user, command, capsys) -> None:
    for place in (Path(), *Path("run").rglob("*"), Path("run")):
        place.chmod(0o555 if place.is_dir() else 0o444)
    other_user()
    assert main(command) == 2
    text = said(capsys)
    assert "Permission denied" in text
    assert ".tmp" not in text


@pytest.mark.parametrize(
    ("pattern", "mode", "named"),
    [
        ("MUTAG/default.safetensors", 0, "MUTAG/default.safetensors"),  # which is not damaged
        ("MUTAG", 0, "MUTAG/raw"),
        (".", 0, "data"),
        (".", 0o111, "data"),
    ],
)
def test_a_data_folder_of_another_user(other_user, whole, pattern, mode, named, capsys) -> None:
    shutil.copytree(whole / "data", "data")
    for place in (Path("run"), *Path("run").rglob("*")):
        place.chmod(0o777)
    Path().chmod(0o777)
    Path("data", pattern).chmod(mode)
    other_user()
    for command in (EVALUATE, EMBED, TRAIN):
        assert main([*command, "--data-dir", "data"]) == 2
        assert f"{named}, but got 'Permission denied': change its permissions" in said(capsys)
    assert not Path("new").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="no permissions of this kind")
def test_all_that_is_written_can_be_read_by_others(folder) -> None:
    assert main([*TRAIN, "--data-dir", "d"]) == 0
    for suffix in ("npz", "parquet", "csv"):
        assert main(["embed", "run", "--out", f"e.{suffix}"]) == 0
    assert main(REPORT) == 0
    allowed = 0o666 & ~graph_hcl.files._UMASK
    files = [file for file in Path().rglob("*") if file.is_file()]
    assert len(files) > 20
    assert [f for f in files if "run" not in f.parts and f.stat().st_mode & 0o777 != allowed] == []


LONG = "n" * 300


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ([*EMBED[:3], "d.npz"], "use d.npz, but got 'Is a directory'"),
        ([*REPORT[:3], "d.html"], "use d.html, but got 'Is a directory'"),
        ([*EMBED[:3], "f/e.npz"], "a folder at f, but it is a file: name another place"),
        ([*EMBED[:3], f"{LONG}.npz"], "'File name too long': choose a shorter name"),
        ([*EMBED[:3], f"{'n' * 246}.npz"], "'File name too long': choose a shorter name"),
        ([*REPORT[:3], f"{LONG}.html"], "'File name too long': choose a shorter name"),
        ([*TRAIN[:-1], LONG], "'File name too long': choose a shorter name"),
        ([*TRAIN[:-1], "f/run"], "a folder at f, but it is a file: name another place"),
        ([*TRAIN, "--data-dir", "f"], "to use f/MUTAG, but f is a file: name another place"),
        ([*TRAIN, "--data-dir", LONG], "a folder of data, but got one too long: 'nnn"),
        ([*TRAIN, "--data-dir", "a\0b"], "one holds the character NUL"),
        ([*TRAIN[:-1], "a\0b"], "one holds the character NUL"),
        ([*TRAIN, "--data-dir", "~nobody-of-this-name/x"], "home folder for a path with ~"),
        (["evaluate", LONG], "'File name too long': choose a shorter name"),
        (
            ["train", "--dataset", "PROTEINS", "--data-dir", "e", "--mirror", "f"],
            "mirror folder f is no folder: correct --mirror",
        ),
    ],
)
def test_places_that_cannot_be(folder, command, sentence, capsys) -> None:
    Path("d.npz").mkdir()
    Path("d.html").mkdir()
    Path("f").write_text("x", encoding="utf-8")
    assert main(command) == 2
    assert sentence.format(here=folder) in said(capsys)
    assert not Path("new").exists()
    assert left_over() == []


@pytest.mark.parametrize("name", [CHECKPOINT, "run/metrics.jsonl", "run/results.json"])
@pytest.mark.parametrize("command", [EMBED, REPORT, RESUME], ids=lambda c: c[0])
def test_a_folder_in_the_place_of_a_file_of_a_run(folder, name, command, capsys) -> None:
    Path(name).unlink()
    Path(name).mkdir()
    code = main(command)
    if code:
        assert code == 2
        assert f"Expected to use {name}, but got 'Is a directory': name a file." in said(capsys)
    else:  # embed reads checkpoints only
        assert (command, name != CHECKPOINT) == (EMBED, True)


def _too_large(*arguments, **options):
    return torch.empty(10**9, 10**6)


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (raising(MemoryError()), "The memory is exhausted: "),
        (lambda *a, **o: np.empty((10**9, 10**6)), "exhausted (unable to allocate 7.11 PiB): "),
        (_too_large, "exhausted (tried to allocate 3.73e+06 GiB): "),
        (lambda *a, **o: torch.empty(10**12, 10**12), "The memory is exhausted: "),
        (
            raising(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")),
            "The memory of the GPU is exhausted (tried to allocate 20.00 GiB): ",
        ),
    ],
)
def test_exhausted_memory(folder, step, words, monkeypatch, capsys) -> None:
    monkeypatch.setattr(graph_hcl.training.loop, "run_step", step)
    assert main(TRAIN) == 2
    text = said(capsys)
    assert words in text
    assert "--batch-size" in text
    assert "--max-nodes" in text
    assert left_over() == []


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        ("--hidden 1000000000", "--hidden to be 1000000 or less"),
        ("--hidden 1000000", "--hidden 1000000 and --layers 3 need 29,802 GiB or more"),
        ("--hidden 10000 --layers 1000", "--hidden 10000 and --layers 1000 need 1,489 GiB or more"),
        ("--layers 1000000", "--layers to be 1000 or less"),
        ("--batch-size 1000000000000", "--batch-size to be 1000000000 or less"),
        ("--repeats 1000000000", "--repeats to be 1000000 or less"),
        ("--epochs 1000000000000", "--epochs to be 1000000000 or less"),
        ("--probe.folds 10000000000", "--probe.folds to be 1000000000 or less"),
        ("--probe.inner 10000000000", "--probe.inner to be 1000000000 or less"),
        ("--probe.draws 1000000000", "--probe.draws to be 1000000 or less"),
        ("--loss.memory-size 1000000000000", "--loss.memory-size to be 1000000000 or less"),
        ("--loss.num-negatives 1000000000000", "--loss.num-negatives to be 1000000000 or less"),
        ("--seed 4294967296", "--seed to be 4294967295 or less"),
        ("--seed 4294967295 --repeats 2", "--seed to be 4294967294 or less"),
        ("--seed 9223372036854775807", "--seed to be 4294967295 or less"),
    ],
)
def test_absurd_sizes_are_refused_before_memory_is_asked_for(
    folder, flags, sentence, capsys
) -> None:
    assert main(["train", "--dataset", "MUTAG", *flags.split(), "--out", "new"]) == 2
    assert sentence in said(capsys)
    assert not Path("new").exists()


def test_a_bug_keeps_its_traceback_and_asks_for_a_report(folder, monkeypatch) -> None:
    monkeypatch.setattr(graph_hcl.training.loop, "run_step", raising(KeyError("x")))
    with pytest.raises(KeyError) as caught:
        main(TRAIN)
    assert caught.value.__notes__ == [BUG]


def python(code: str, redirected: str, **options) -> subprocess.CompletedProcess:
    code = f"import sys; from graph_hcl.console import run_command\n{code}"
    command = f'"$0" -c "$1" {redirected}'
    return subprocess.run(
        ["bash", "-c", command, sys.executable, code],
        capture_output=True,
        encoding="utf-8",
        check=False,
        **options,
    )


needs_bash = pytest.mark.skipif(sys.platform == "win32", reason="no bash")


@needs_bash
def test_files_do_not_take_the_place_of_a_closed_stdout(tmp_path) -> None:
    code = (
        "import os\ndef write(argv):\n file = open('a', 'w'); os.write(1, b'printed')\n"
        " file.write('content')\nsys.exit(run_command(write, []))"
    )
    for redirected in (">&-", ">&- 2>&-", "<&- >&- 2>&-"):
        assert python(code, redirected, cwd=tmp_path).returncode == 0
        assert (tmp_path / "a").read_text(encoding="utf-8") == "content"


@needs_bash
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_stdout_on_a_full_disk() -> None:
    done = python("sys.exit(run_command(lambda argv: print('table'), []))", "> /dev/full")
    assert done.returncode == 2
    assert done.stderr == (
        "error: Expected to use the output, but got 'No space left on device': make room there; "
        "what was finished is kept.\n"
    )


@needs_bash
def test_the_list_of_commands_in_a_closed_pipe() -> None:
    code = (
        "from graph_hcl.__main__ import main\nsys.stdin.read()\n"
        "code = main(['completion', 'bash'])\nprint(code, file=sys.stderr)"
    )
    done = python(code, "< <(sleep 1) | true; wait")
    assert done.stderr == "141\n"


@needs_bash
def test_a_current_folder_that_was_removed(tmp_path) -> None:
    code = "from graph_hcl.__main__ import main\nsys.argv = ['graph-hcl', 'evaluate', 'run']\n"
    done = subprocess.run(
        [
            "bash",
            "-c",
            'mkdir x; cd x; rmdir ../x; "$0" -c "$1"',
            sys.executable,
            f"import sys\n{code}sys.exit(main())",
        ],
        capture_output=True,
        encoding="utf-8",
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_stderr_that_nobody_reads(monkeypatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    assert run_command(raising(MemoryError()), []) == 2


def test_a_command_gives_each_warning_once() -> None:
    told: list[str] = []

    def warns(argv) -> None:
        for text in ("it rains", "it rains", "it snows", "it rains"):
            told.append(warnings.formatwarning(text, UserWarning, "file.py", 3))

    assert run_command(warns, []) == run_command(warns, []) == 0
    assert told == ["warning: it rains\n", "", "warning: it snows\n", ""] * 2


def test_paths_in_the_working_directory_are_told_as_they_are_typed(
    tmp_path, monkeypatch, capsys
) -> None:
    (tmp_path / "in").mkdir()
    monkeypatch.chdir(tmp_path / "in")
    for typed, told in (
        ("none.csv", "at none.csv,"),
        (str(tmp_path / "in" / "none.csv"), "at none.csv,"),
        (str(tmp_path / "in2" / "none.csv"), f"at {tmp_path / 'in2' / 'none.csv'},"),
    ):
        assert main(["train", "--dataset", typed]) == 2
        assert told in capsys.readouterr().err
    elsewhere = f"/mnt{tmp_path / 'in' / 'none.csv'}"
    assert with_relative_paths(elsewhere) == elsewhere
    monkeypatch.chdir(tmp_path.anchor)
    assert with_relative_paths(f"at {tmp_path}.") == f"at {tmp_path}."
