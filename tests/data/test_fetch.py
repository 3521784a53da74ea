"""Archives and mirrors: what is wrong is named, and nothing half-written is left."""

import http.server
import os
import re
import subprocess
import sys
import threading
import time
import warnings
import zipfile
from functools import partial
from pathlib import Path

import pytest

from graph_hcl.data import fetch, load
from graph_hcl.data.archive import unpack
from graph_hcl.data.fetch import content_sha256, raw_files
from graph_hcl.data.tu_mirror import SUFFIXES
from graph_hcl.errors import UserError
from graph_hcl.files import temporary_beside


def left_in(data: Path) -> list[str]:
    return [str(path.relative_to(data)) for path in data.rglob("*")] if data.exists() else []


def refused(tmp_path, mirror, sentence, name="TINY") -> None:
    data = tmp_path / "data"
    with pytest.raises(UserError, match=sentence) as caught:
        load(name, data_dir=str(data), mirror=mirror)
    assert "\n" not in str(caught.value)
    assert left_in(data) == []


def test_folder_of_archives(tmp_path, put_zip, tiny) -> None:
    store = load("TINY", data_dir=str(tmp_path / "data"), mirror=put_zip())
    assert (len(store), store.num_features) == (2, 3)
    raw = tmp_path / "data" / "TINY" / "raw"
    assert {file.stem for file in raw.iterdir()} == {f"TINY_{suffix}" for suffix in tiny}


def test_mirror_from_the_environment(tmp_path, put_zip, monkeypatch) -> None:
    monkeypatch.setenv("GRAPH_HCL_TU_MIRROR", put_zip())
    monkeypatch.setenv("GRAPH_HCL_DATA", str(tmp_path / "elsewhere"))
    load("TINY")
    assert (tmp_path / "elsewhere" / "TINY" / "raw" / "TINY_A.txt").is_file()


@pytest.fixture
def served(put_zip):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    handler = partial(Quiet, directory=put_zip())
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_mirror_by_url(tmp_path, served) -> None:
    assert len(load("TINY", data_dir=str(tmp_path / "data"), mirror=served)) == 2
    refused(
        tmp_path / "more", served, "Unknown data set 'PROTEIN': .*Did you mean PROTEINS", "PROTEIN"
    )


def test_download_cut_short(tmp_path, served, monkeypatch) -> None:
    cut = lambda self, source, target: target.write(source.read()[:100])  # noqa: E731
    monkeypatch.setattr(http.server.SimpleHTTPRequestHandler, "copyfile", cut)
    refused(
        tmp_path,
        served,
        r"Cannot fetch http.*/TINY.zip \(100 of \d+ bytes arrived\): put the files",
    )


def test_no_network(tmp_path) -> None:
    refused(
        tmp_path,
        "http://127.0.0.1:9",
        r"Cannot fetch http://127.0.0.1:9/PROTEINS.zip \(.*refused\): put the files "
        r"PROTEINS_A.txt, … into .*data/PROTEINS/raw, .* or use MUTAG, which needs no network.$",
        "PROTEINS",
    )


def test_unknown_in_a_folder(tmp_path, put_zip) -> None:
    refused(
        tmp_path,
        put_zip(),
        "Unknown data set 'TINI': .* has neither TINI.zip nor a folder TINI with TINI_A.txt. "
        "Did you mean TINY",
        "TINI",
    )
    none = str(tmp_path / "none")
    refused(tmp_path, none, "folder .*none does not exist: .* Did you mean MUTAG", "mutac")


@pytest.mark.parametrize("inside", [".", "TINY", "TINY/raw"])
@pytest.mark.parametrize("spelt", [str, str.lower, str.upper])
def test_folder_of_files(tmp_path, tiny, put_zip, inside, spelt) -> None:
    folder = tmp_path / "plain" / inside
    folder.mkdir(parents=True)
    for suffix, text in tiny.items():
        (folder / spelt(f"Tiny_{suffix}.txt")).write_text(text, encoding="utf-8")
    (folder / "OTHER_A.txt").write_text("1, 2\n", encoding="utf-8")
    got = load("TINY", data_dir=str(tmp_path / "data"), mirror=str(tmp_path / "plain"))
    assert got.sha256 == load("TINY", data_dir=str(tmp_path / "more"), mirror=put_zip()).sha256
    raw = tmp_path / "data" / "TINY" / "raw"
    assert {file.name for file in raw.iterdir()} == {f"TINY_{suffix}.txt" for suffix in tiny}


def test_folder_without_a_file(tmp_path, tiny) -> None:
    folder = tmp_path / "plain" / "TINY"
    folder.mkdir(parents=True)
    (folder / "TINY_A.txt").write_text(tiny["A"], encoding="utf-8")
    refused(tmp_path, str(folder.parent), "in .*plain/TINY, but TINY_graph_indicator.txt is mis")


def test_files_in_another_case(tmp_path, tiny, put_raw) -> None:
    data = Path(put_raw(tiny))
    for file in (data / "TINY" / "raw").iterdir():
        file.rename(file.with_name(file.name.lower()))
    assert len(load("TINY", data_dir=str(data))) == 2
    (data / "TINY" / "raw" / "TINY_A.txt").write_text(tiny["A"], encoding="utf-8")
    with pytest.raises(
        UserError, match=r"one TINY_A.txt in .*raw, but got 'TINY_A.txt' and 'tiny_"
    ):
        load("TINY", data_dir=str(data))


def test_dropped_graphs_are_told_to_the_caller(put_raw, tiny) -> None:
    data = put_raw(tiny | {"graph_indicator": "1\n1\n1\n3\n3\n3\n", "graph_labels": "0\n0\n1\n"})
    with pytest.warns(UserWarning, match="1 of 3 graphs have no nodes .* it is dropped") as caught:
        assert len(load("TINY", data_dir=data)) == 2
    assert [warning.filename for warning in caught] == [__file__]


def test_without_labels(tmp_path, tiny, put_raw) -> None:
    del tiny["graph_labels"]
    data = put_raw(tiny)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load("TINY", data_dir=data).y is None


@pytest.mark.parametrize(
    ("suffix", "said"),
    [
        ("graph_label", "rename it to TINY_graph_labels.txt if that is what it holds"),
        ("Graph_Label", "rename it to TINY_graph_labels.txt"),
        ("node_weights", "rename it to one of graph_labels, graph_attributes, node_labels, "),
        ("edge_attr", "rename it to TINY_edge_attributes.txt"),
        ("label_readme", None),
        ("map_id2im", None),
        ("info", None),
    ],
)
def test_files_that_are_not_read_are_named(tmp_path, tiny, put_raw, suffix, said) -> None:
    del tiny["graph_labels"]
    data = put_raw(tiny | {suffix: "1\n2\n"})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        load("TINY", data_dir=data)
    assert len(caught) == (said is not None)
    for warning in caught:
        assert re.search(rf"TINY_{suffix}.txt is not read: {said}", str(warning.message))
        assert warning.filename == __file__


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("../TINY", "Expected a file or a folder at ../TINY, but there is none"),
        ("a/b", "Expected a file or a folder at a/b, but there is none"),
        ("~/no/such", "Expected a file or a folder at .*no.such, but there is none"),
        ("", "Expected the name of a data set, but got ''"),
        ("a b", "Expected the name of a data set, but got 'a b'"),
    ],
)
def test_names_of_no_data_set(tmp_path, name, said) -> None:
    refused(tmp_path, None, said, name)


def test_absurd_size(tmp_path, put_zip) -> None:
    with pytest.raises(UserError, match="would unpack to more than"):
        unpack("TINY", Path(put_zip()) / "TINY.zip", tmp_path, SUFFIXES, max_bytes=100)
    assert not list(tmp_path.glob("*.txt"))


def test_missing_member(tmp_path, put_zip) -> None:
    mirror = put_zip({"TINY/TINY_A.txt": "1, 2\n", "TINY/README.txt": ""})
    refused(tmp_path, mirror, "in .*mirror/TINY.zip, but TINY_graph_indicator.txt is missing")


def test_archive_that_is_not_the_published_one(tmp_path, put_zip, tiny) -> None:
    mirror = put_zip({f"ENZYMES_{suffix}.txt": text for suffix, text in tiny.items()}, "ENZYMES")
    refused(
        tmp_path,
        mirror,
        "ENZYMES_A.txt in .*mirror/ENZYMES.zip is not the published file .* name another mirror",
        "ENZYMES",
    )


def test_published_set_without_one_of_its_files(tmp_path, mirror, put_zip) -> None:
    with zipfile.ZipFile(Path(mirror) / "PTC_MR.zip") as whole:
        members = {name: whole.read(name) for name in whole.namelist() if "edge_l" not in name}
    mirror = put_zip(members, "PTC_MR")
    refused(tmp_path, mirror, "but PTC_MR_edge_labels.txt is missing", "PTC_MR")


def test_only_the_sets_own_files_are_extracted(tmp_path, put_zip, tiny) -> None:
    members = {f"TINY_{suffix}.txt": text for suffix, text in tiny.items()}
    data = tmp_path / "data"
    fetch.raw_files("TINY", str(data), put_zip(members | {"setup.py": "raise SystemExit"}))
    assert not list(data.rglob("setup.py"))


def test_what_a_killed_process_left_is_removed(tmp_path, put_zip) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    own = temporary_beside(tmp_path / "data" / "TINY" / "raw")
    before = own.with_name(own.name.replace(f".{os.getpid()}-", f".{gone.pid}-"))
    other = own.with_name(own.name.replace(f".{os.getpid()}-", f".{os.getppid()}-"))
    for left in (own, before, other):
        left.mkdir(parents=True)
        (left / "TINY_A.txt").touch()
    load("TINY", data_dir=str(tmp_path / "data"), mirror=put_zip())
    assert not own.exists()
    assert not before.exists()
    assert other.exists()


def test_zip_of_mutag_equals_the_files_of_grakel(tmp_path, mirror) -> None:
    files = fetch.raw_files("MUTAG", str(tmp_path))
    with zipfile.ZipFile(Path(mirror) / "MUTAG.zip") as archive:
        for file in files.values():
            assert archive.read(f"MUTAG/{file.name}") == file.read_bytes()


def test_a_mirror_folder_that_changed_after_the_copy_is_told(tmp_path: Path) -> None:
    mirror, cache = tmp_path / "mirror", tmp_path / "cache"
    (mirror / "OWN").mkdir(parents=True)
    texts = {"A": "1, 2\n2, 1\n", "graph_indicator": "1\n1\n", "graph_labels": "1\n"}
    for suffix, text in texts.items():
        (mirror / "OWN" / f"OWN_{suffix}.txt").write_text(text, encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        raw_files("OWN", str(cache), str(mirror))
        raw_files("OWN", str(cache), str(mirror))
        before = content_sha256("OWN", str(cache), str(mirror))
    later = time.time() + 100
    os.utime(mirror / "OWN" / "OWN_A.txt", (later, later))
    with pytest.warns(UserWarning, match="OWN has changed in the mirror .* remove that folder"):
        raw_files("OWN", str(cache), str(mirror))
    assert content_sha256("OWN", str(cache), str(mirror)) == before  # that of what is used
    file = cache / "OWN" / "raw" / "OWN_graph_labels.txt"
    file.write_text("22\n", encoding="utf-8")
    assert content_sha256("OWN", str(cache), str(mirror)) != before


def test_processes_and_threads_that_fill_one_cache_at_once_agree(tmp_path: Path, put_zip) -> None:
    data, mirror = str(tmp_path / "data"), put_zip()
    program = (
        "import sys, threading; from graph_hcl.data import load; sys.stdin.read()\n"
        "found = []\n"
        "data, mirror = sys.argv[1:]\n"
        "run = lambda: found.append(load('TINY', data_dir=data, mirror=mirror).digest())\n"
        "both = [threading.Thread(target=run) for _ in range(3)]\n"
        "[one.start() for one in both]; [one.join() for one in both]; print(*found)"
    )
    command = [sys.executable, "-W", "error::UserWarning", "-c", program, data, str(mirror)]
    started = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(2)
    ]
    for one in started:
        assert one.stdin is not None
    digests = set()
    for one in started:
        one.stdin.close()
        one.stdin = None
    for one in started:
        said = one.communicate()[0].decode().split()
        assert len(said) == 3
        digests |= set(said)
    assert digests == {load("TINY", data_dir=data).digest()}
    assert not [file for file in Path(data).rglob("*") if file.name.startswith(".")]
