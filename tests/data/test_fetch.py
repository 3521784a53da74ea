"""Archives and mirrors: what is wrong is named, and nothing half-written is left."""

import http.server
import os
import threading
import zipfile
from functools import partial
from pathlib import Path

import pytest

from graph_hcl.data import fetch, load
from graph_hcl.errors import UserError


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
        tmp_path, served, r"Cannot fetch http.*/TINY.zip \(100 of \d+ bytes came\): put the files"
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
        tmp_path, put_zip(), "Unknown data set 'TINI': .* no TINI.zip. Did you mean TINY", "TINI"
    )
    refused(tmp_path, str(tmp_path / "none"), "Did you mean MUTAG", "mutag")


@pytest.mark.parametrize("name", ["../TINY", "/etc", "a/b", "", ".."])
def test_names_that_are_paths(tmp_path, name) -> None:
    refused(tmp_path, None, "Expected the name of a data set, but got", name)


def test_not_an_archive(tmp_path, put_zip) -> None:
    mirror = put_zip()
    whole = (Path(mirror) / "TINY.zip").read_bytes()
    for spoilt in (b"", b"<html>404</html>", whole[: len(whole) // 2]):
        (Path(mirror) / "TINY.zip").write_bytes(spoilt)
        refused(tmp_path, mirror, "TINY.zip is not a whole zip archive")


def test_archive_with_a_flipped_bit(tmp_path, put_zip) -> None:
    mirror = put_zip()
    file = Path(mirror) / "TINY.zip"
    content = bytearray(file.read_bytes())
    for place in range(45, 75):  # within the first member
        content[place] ^= 0xFF
    file.write_bytes(content)
    refused(tmp_path, mirror, "is not a whole zip archive")


@pytest.mark.parametrize("member", ["../TINY_A.txt", "/tmp/TINY_A.txt", "TINY\\..\\..\\TINY_A.txt"])
def test_members_that_leave_the_folder(tmp_path, put_zip, member) -> None:
    mirror = put_zip({"TINY/TINY_A.txt": "1, 2\n", member: "1, 2\n"})
    refused(tmp_path, mirror, "leaves its folder: nothing was extracted")
    assert not list(tmp_path.rglob("TINY_A.txt"))


def test_absurd_size(tmp_path, put_zip, monkeypatch) -> None:
    monkeypatch.setattr(fetch, "MAX_BYTES", 100)
    refused(tmp_path, put_zip(), "would unpack to more than")


def test_missing_member(tmp_path, put_zip) -> None:
    mirror = put_zip({"TINY/TINY_A.txt": "1, 2\n", "TINY/README.txt": ""})
    refused(tmp_path, mirror, "TINY_graph_indicator.txt, TINY_graph_labels.txt are missing")


def test_archive_that_is_not_the_published_one(tmp_path, put_zip, tiny) -> None:
    mirror = put_zip({f"ENZYMES_{suffix}.txt": text for suffix, text in tiny.items()}, "ENZYMES")
    refused(tmp_path, mirror, "ENZYMES_A.txt is not the published file", "ENZYMES")


def test_only_the_sets_own_files_are_extracted(tmp_path, put_zip, tiny) -> None:
    members = {f"TINY_{suffix}.txt": text for suffix, text in tiny.items()}
    data = tmp_path / "data"
    fetch.raw_files("TINY", str(data), put_zip(members | {"setup.py": "raise SystemExit"}))
    assert not list(data.rglob("setup.py"))


def test_what_a_killed_process_left_is_removed(tmp_path, put_zip) -> None:
    old, new = (tmp_path / "data" / "TINY" / f".fetch-{age}" for age in ("old", "new"))
    old.mkdir(parents=True)
    new.mkdir()
    os.utime(old, (0, 0))
    load("TINY", data_dir=str(tmp_path / "data"), mirror=put_zip())
    assert not old.exists()
    assert new.exists()


def test_zip_of_mutag_equals_the_files_of_grakel(tmp_path, mirror) -> None:
    files = fetch.raw_files("MUTAG", str(tmp_path))
    with zipfile.ZipFile(Path(mirror) / "MUTAG.zip") as archive:
        for file in files.values():
            assert archive.read(f"MUTAG/{file.name}") == file.read_bytes()
