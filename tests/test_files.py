import errno
import os
import stat

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from graph_hcl import files
from graph_hcl.files import flush_folder, safe_name, write_atomically, write_text
from graph_hcl.tensor_files import read_tensors

DEVICES = ("con", "prn", "aux", "nul", "com1", "lpt9", "conin$")


@given(st.text() | st.sampled_from(DEVICES) | st.from_regex(r"(?i)(con|nul)[ .:]{0,3}\w?"))
def test_a_safe_name_is_one_part_that_no_system_refuses(text: str) -> None:
    name = safe_name(text)
    assert name
    assert not set(name) & set('<>:"/\\|?*\x7f')
    assert all(ord(sign) >= 32 for sign in name)
    assert name[-1] not in ". "
    assert name.split(".")[0].strip(" ").casefold() not in DEVICES
    assert safe_name(name) == name


@pytest.mark.parametrize("name", ["MUTAG", "Käfer", "Letter-high", "a.b", ".hidden", "console"])
def test_names_that_are_safe_stay(name: str) -> None:
    assert safe_name(name) == name


def test_text_is_utf8_with_plain_ends_of_lines_wherever_it_is_written(tmp_path) -> None:
    write_text(tmp_path / "a", "± β\nπ\n")
    assert (tmp_path / "a").read_bytes() == "± β\nπ\n".encode()


def test_bytes_of_a_path_that_are_no_utf8_come_back(tmp_path) -> None:
    write_text(tmp_path / "a", os.fsdecode(b"l\xe4ufe"))
    assert (tmp_path / "a").read_bytes() == b"l\xe4ufe"


def test_content_is_flushed_then_renamed_then_the_folder_flushed(tmp_path, monkeypatch) -> None:
    steps, fsync, replace = [], os.fsync, os.replace

    def flushing(handle: int) -> None:
        steps.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        fsync(handle)

    def replacing(source, target) -> None:
        steps.append("rename")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", flushing)
    monkeypatch.setattr(os, "replace", replacing)
    write_text(tmp_path / "a", "x")
    assert steps == ["file", "rename", "folder"]
    steps.clear()
    monkeypatch.setattr(files, "WINDOWS", True)
    write_text(tmp_path / "a", "y")
    assert steps == ["file", "rename"]


def test_a_folder_on_a_file_system_that_flushes_none(tmp_path, monkeypatch) -> None:
    def refuse(handle: int) -> None:
        raise OSError(number, "no")

    monkeypatch.setattr(os, "fsync", refuse)
    number = errno.EINVAL
    flush_folder(tmp_path)
    number = errno.EIO
    with pytest.raises(OSError, match="no"):
        flush_folder(tmp_path)


def test_a_failed_write_leaves_what_was_there(tmp_path) -> None:
    (tmp_path / "a").write_bytes(b"old")

    def fail(to) -> None:
        to.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "full")

    with pytest.raises(OSError, match="full"):
        write_atomically(tmp_path / "a", fail)
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("a", b"old")]


def test_tensors_of_every_kind_and_shape_are_read(tmp_path) -> None:
    kinds = (torch.int64, torch.uint8, torch.bool, torch.float16, torch.bfloat16, torch.float64)
    shapes = [(), (0,), (3,), (2, 5), (4, 0, 2)]
    written = {
        f"{kind} {shape}": torch.randint(0, 2, shape).to(kind) for kind in kinds for shape in shapes
    }
    save_file(written, tmp_path / "a", {"β": "±"})
    read, metadata = read_tensors(tmp_path / "a")
    assert metadata == {"β": "±"}
    assert read.keys() == written.keys()
    for name, tensor in written.items():
        assert read[name].dtype == tensor.dtype
        assert read[name].shape == tensor.shape
        assert read[name].equal(tensor)


def test_no_tensor_stays_tied_to_its_file(tmp_path) -> None:
    file = tmp_path / "a.safetensors"
    save_file({"x": torch.arange(1000)}, file)
    tensors, _ = read_tensors(file)
    with file.open("r+b") as stream:  # in place, so that a mapped tensor would change
        stream.seek(-8, os.SEEK_END)
        stream.write(bytes(8))
    assert tensors["x"].equal(torch.arange(1000))
