"""Archives: every layout is read, and what is damaged or hostile is refused in one sentence."""

import io
import re
import stat
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graph_hcl.data import load
from graph_hcl.data.archive import unpack
from graph_hcl.data.tu_mirror import SUFFIXES
from graph_hcl.errors import UserError


@pytest.fixture
def refused(tmp_path):
    def refuse(mirror, sentence) -> None:
        data = tmp_path / "data"
        with pytest.raises(UserError, match=sentence) as caught:
            load("TINY", data_dir=str(data), mirror=mirror)
        assert "\n" not in str(caught.value)
        assert not data.exists() or not list(data.rglob("*"))

    return refuse


@pytest.mark.parametrize(
    "member",
    [
        "TINY_{}.txt",
        "TINY/TINY_{}.txt",
        "a/b/TINY/raw/TINY_{}.txt",
        "TINY\\TINY_{}.txt",
        "a\\b/TINY_{}.txt",
        "tiny/tiny_{}.TXT",
        "TINY/Tiny_{}.Txt",
    ],
)
@pytest.mark.parametrize("spelt", [str, str.upper])
def test_layouts(tmp_path, put_zip, tiny, member, spelt) -> None:
    members = {member.format(spelt(suffix)): text for suffix, text in tiny.items()}
    extra = ["__MACOSX/TINY/._TINY_A.txt", "__MACOSX/TINY_A.txt", "._TINY_A.txt", "TINY/"]
    extra += ["TINY/README.txt", "TINY_A.txt.bak", "MY_TINY_A.txt"]
    members |= dict.fromkeys(extra, "")
    got = load("TINY", data_dir=str(tmp_path / "data"), mirror=put_zip(members))
    assert (len(got), got.num_features) == (2, 3)
    names = {file.name for file in (tmp_path / "data" / "TINY" / "raw").iterdir()}
    assert names == {f"TINY_{suffix}.txt" for suffix in (*tiny, "README")}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_of_compression(tmp_path, tiny, method) -> None:
    with zipfile.ZipFile(tmp_path / "TINY.zip", "w", method) as archive:
        for suffix, text in tiny.items():
            archive.writestr(f"TINY_{suffix}.txt", text)
    assert len(load("TINY", data_dir=str(tmp_path / "data"), mirror=str(tmp_path))) == 2


@pytest.mark.parametrize("second", ["old/TINY_A.txt", "tiny_a.txt", "TINY\\TINY_A.txt"])
def test_two_files_of_a_kind(refused, put_zip, tiny, second) -> None:
    members = {f"TINY_{suffix}.txt": text for suffix, text in tiny.items()} | {second: tiny["A"]}
    refused(put_zip(members), r"one TINY_A.txt in .*TINY.zip, but got '.*' and '.*': keep one")


def test_the_same_member_twice(refused, put_zip, tiny) -> None:
    mirror = put_zip()
    with (
        pytest.warns(UserWarning, match="Duplicate name"),
        zipfile.ZipFile(Path(mirror) / "TINY.zip", "a") as archive,
    ):
        archive.writestr("TINY/TINY_A.txt", "1, 2\n")
    refused(mirror, "but got 'TINY/TINY_A.txt' and 'TINY/TINY_A.txt': keep one of them")


def test_links(refused, put_zip) -> None:
    mirror = put_zip()
    link = zipfile.ZipInfo("TINY/TINY_edge_attributes.txt")
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(Path(mirror) / "TINY.zip", "a") as archive:
        archive.writestr(link, "/etc/passwd")
    refused(mirror, "'TINY/TINY_edge_attributes.txt', which is a link: nothing was extracted")


def test_encrypted(refused, put_zip) -> None:
    mirror = put_zip()
    file = Path(mirror) / "TINY.zip"
    content = bytearray(file.read_bytes())
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = -1
        while (place := content.find(signature, place + 1)) >= 0:
            content[place + flags] |= 1
    file.write_bytes(content)
    refused(mirror, "'TINY/TINY_A.txt' in .*TINY.zip is encrypted: decrypt it first")


def test_not_an_archive(refused, put_zip) -> None:
    mirror = put_zip()
    whole = (Path(mirror) / "TINY.zip").read_bytes()
    for spoilt in (b"", b"<html>404</html>", whole[: len(whole) // 2]):
        (Path(mirror) / "TINY.zip").write_bytes(spoilt)
        refused(mirror, "TINY.zip is not a complete zip archive")


def test_archive_with_a_flipped_bit(refused, put_zip) -> None:
    mirror = put_zip()
    file = Path(mirror) / "TINY.zip"
    content = bytearray(file.read_bytes())
    for place in range(45, 75):  # within the first member
        content[place] ^= 0xFF
    file.write_bytes(content)
    refused(mirror, "is not a complete zip archive")


@pytest.mark.parametrize(
    "member",
    [
        "../TINY_A.txt",
        "/tmp/TINY_A.txt",
        "TINY\\..\\..\\TINY_A.txt",
        "C:\\TINY_A.txt",
        "C:TINY_A.txt",
        "\\TINY_A.txt",
        "\\\\host\\share\\TINY_A.txt",
    ],
)
def test_members_that_leave_the_folder(tmp_path, refused, put_zip, member) -> None:
    mirror = put_zip({"TINY/TINY_A.txt": "1, 2\n", member: "1, 2\n"})
    refused(mirror, "leaves its folder: nothing was extracted")
    assert not list(tmp_path.rglob("TINY_A.txt"))


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_damage_to_each_method(tmp_path, tiny, method) -> None:
    with zipfile.ZipFile(tmp_path / "T.zip", "w", method) as archive:
        archive.writestr("T_A.txt", tiny["A"] * 50)
    whole = (tmp_path / "T.zip").read_bytes()
    refused = []
    for place in range(37, whole.index(b"PK\x01\x02")):  # what is compressed, and its properties
        content = bytearray(whole)
        content[place] ^= 0xFF
        (tmp_path / "T.zip").write_bytes(content)
        try:
            unpack("T", tmp_path / "T.zip", tmp_path, SUFFIXES)
        except UserError as error:
            refused.append(str(error))
        else:  # a byte that does not matter, such as the version of the writer
            assert (tmp_path / "T_A.txt").read_text(encoding="utf-8") == tiny["A"] * 50
    assert len(refused) > 20
    assert all(re.search("T.zip (is not a complete zip|cannot be unp)", said) for said in refused)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.sampled_from(
        [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
    ),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=4),
    st.floats(0.5, 1),
)
def test_damage_anywhere_is_named(tmp_path, tiny, method, bytes_, kept) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for suffix, text in tiny.items():
            archive.writestr(f"T/T_{suffix}.txt", text)
    content = bytearray(stream.getvalue())
    for place, value in bytes_:
        content[int(place * len(content))] = value
    (tmp_path / "T.zip").write_bytes(content[: int(kept * len(content))])
    try:
        unpack("T", tmp_path / "T.zip", tmp_path, SUFFIXES)
    except UserError as error:
        said = str(error)
    else:
        said = ""
    assert "\n" not in said
