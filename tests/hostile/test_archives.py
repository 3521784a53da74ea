"""Hostile archives are refused in one sentence, and nothing of them is left."""

import gzip
import random
import stat
import struct
import zipfile
import zlib
from pathlib import Path

import pytest

from graph_hcl.data import archive as archives
from graph_hcl.data import load, tables
from graph_hcl.data.archive import decompress, extract, unpack
from graph_hcl.data.tu_mirror import SUFFIXES
from graph_hcl.errors import UserError
from tests.hostile.readers.archives import READERS, packed

FEW, MANY = 300, 50_000
"""Inputs, in every run of the tests and in the long campaign."""


def campaign(survey, tmp_path: Path, count: int, seed: int = 0) -> None:
    survey(tmp_path / "files", READERS["archive"](tmp_path), count, seed)


def test_a_damaged_archive_is_refused_and_leaves_nothing(survey, tmp_path) -> None:
    campaign(survey, tmp_path, FEW)


@pytest.mark.campaign
@pytest.mark.slow
def test_no_damaged_archive_is_a_traceback(survey, tmp_path) -> None:
    campaign(survey, tmp_path, MANY, seed=1)


NAMES = ("../T_A.txt", "/T_A.txt", "a/../../T_A.txt", "..\\T_A.txt", "C:\\T_A.txt", "C:T_A.txt",
         "\\\\host\\share\\T_A.txt", "a/..\\..\\T_A.txt", "//T_A.txt")  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_no_member_leaves_the_folder(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "T.zip", "w") as archive:
        archive.writestr(name, "1, 2\n")
    refused(tmp_path, "leaves its folder")


def test_a_member_without_a_name_is_refused(tmp_path: Path) -> None:
    content = bytearray(packed(zipfile.ZIP_STORED))
    content[content.index(b"PK\x01\x02") + 28] = 0  # the length of its name
    content[content.index(b"PK\x01\x02") + 32] = len("T/T_A.txt")  # read as a comment
    (tmp_path / "T.zip").write_bytes(content)
    refused(tmp_path, "has the member '', which has no name")


def refused(tmp_path: Path, sentence: str) -> None:
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UserError, match=sentence):
        load("T", data_dir=str(tmp_path / "data"), mirror=str(tmp_path))
    assert sorted(tmp_path.rglob("*")) == before


def test_links_are_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("T_A.txt")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "T.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    refused(tmp_path, "is a link")


def test_too_many_members_are_refused(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(archives, "MAX_MEMBERS", 100)
    with zipfile.ZipFile(tmp_path / "T.zip", "w") as archive:
        for number in range(101):
            archive.writestr(f"{number}", "")
    refused(tmp_path, "at most 100 members")


def test_a_member_with_a_password_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    content = bytearray(packed(zipfile.ZIP_STORED))
    local, central = content.rindex(b"PK\x03\x04"), content.rindex(b"PK\x01\x02")
    content[local + 6] |= 1
    content[central + 8] |= 1
    (tmp_path / "T.zip").write_bytes(content)
    refused(tmp_path, "is encrypted")


def test_a_bomb_is_refused_before_and_while_it_unpacks(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "T.zip").write_bytes(packed(A="1, 2\n" * 100_000))
    to = tmp_path / "to"
    to.mkdir()
    with pytest.raises(UserError, match="would unpack to more"):
        unpack("T", tmp_path / "T.zip", to, SUFFIXES, max_bytes=10_000)
    # A member that claims to be small is cut at what it claims, and its checksum is wrong.
    content = bytearray((tmp_path / "T.zip").read_bytes())
    for marker, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<I", content, content.index(marker) + place, 10)
    (tmp_path / "T.zip").write_bytes(content)
    with pytest.raises(UserError, match="not a complete zip archive"):
        unpack("T", tmp_path / "T.zip", to, SUFFIXES, max_bytes=10_000)
    (tmp_path / "x.gz").write_bytes(gzip.compress(bytes(1 << 20)))
    with pytest.raises(UserError, match="would unpack to over"):
        decompress(tmp_path / "x.gz", to / "x", max_bytes=10_000)
    assert not any(to.iterdir())


def test_a_fault_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    content = bytearray(packed(zipfile.ZIP_STORED))
    content[content.rindex(b"1\n", 0, content.index(b"PK\x01\x02"))] ^= 1  # the last member
    (tmp_path / "T.zip").write_bytes(content)
    to = tmp_path / "to"
    to.mkdir()
    (to / "mine").touch()
    with pytest.raises(UserError, match="not a complete zip archive"):
        extract(
            tmp_path / "T.zip", to, lambda paths: {path.replace("/", "-"): path for path in paths}
        )
    assert [file.name for file in to.iterdir()] == ["mine"]


def bomb(head: bytes, size: int) -> bytes:
    """Return a gzip file of zeros or spaces after some text, made a piece at a time."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    parts = [packer.compress(head)]
    parts += [packer.compress(b" " * (1 << 20)) for _ in range(size >> 20)]
    return b"".join([*parts, packer.flush()])


@pytest.mark.parametrize(
    ("name", "head"),
    [("t.csv.gz", b"smiles\nC\n"), ("t.tsv.gz", b"smiles\nC\n"), ("t.smi.gz", b"C\n"),
     ("g.jsonl.gz", b'{"edges": [[0, 1]]}\n'), ("f/a.graphml.gz", b"<graphml>"),
     ("f/a.gexf.gz", b"<gexf>"), ("f/a.edgelist.gz", b"a b\n")],
)  # fmt: skip
def test_a_compressed_table_does_not_fill_the_memory(
    attempt, tmp_path, monkeypatch, name, head
) -> None:
    monkeypatch.setattr(tables, "FREE", 1 << 20)
    monkeypatch.setattr(tables, "EXPANSION", 20)
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(bomb(head, 40 << 20))
    source = f"{file.parent}/" if name.startswith("f/") else file
    outcome, said = attempt(lambda: load(source, data_dir=str(tmp_path / "data")))
    assert outcome == "refused", (outcome, said)
    assert "grows by more" in said or "characters" in said


def test_random_bytes_are_no_archive(attempt, tmp_path) -> None:
    rng = random.Random(0)
    for number in range(100):
        (tmp_path / "T.zip").write_bytes(b"PK\x03\x04" * (number % 2) + rng.randbytes(300))
        outcome, said = attempt(lambda: unpack("T", tmp_path / "T.zip", tmp_path, SUFFIXES))
        assert outcome == "refused", said
