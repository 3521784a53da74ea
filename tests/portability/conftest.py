"""The rules of Windows for files, laid on top of those of Linux."""

import builtins
import errno
import fcntl
import io
import os
import shutil
import sys
from pathlib import Path, PureWindowsPath

import pytest

from graph_hcl import files, process

FORBIDDEN = set('<>:"|?*\\') | {chr(code) for code in range(32)}


def illegal(path) -> str:
    """Return what is wrong with the names in a path by the rules of Windows, in words."""
    for name in Path(os.fsdecode(path)).parts[1 if os.path.isabs(path) else 0 :]:
        if signs := FORBIDDEN & set(name):
            return f"{name!r} holds {sorted(signs)}"
        if name not in (".", "..") and name[-1] in ". ":
            return f"{name!r} ends in {name[-1]!r}"
        if PureWindowsPath(name).is_reserved():
            return f"{name!r} is a device"
    return ""


def in_use(path) -> str:
    """Return how this process still has a file, or one in a folder, open; empty if it has not."""
    place = os.path.realpath(path)
    for number in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{number}")
        except OSError:  # the descriptor of the list itself
            continue
        if target == place or target.startswith(f"{place}{os.sep}"):
            return f"{target} is open"
    with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as maps:
        for line in maps:
            mapped = line.rstrip("\n").partition("/")[2]
            if f"/{mapped}" == place or f"/{mapped}".startswith(f"{place}{os.sep}"):
                return f"/{mapped} is mapped"
    return ""


class Windows:
    """Stand-ins of functions of `os`, and of `open`; `refused` tells what they refused."""

    def __init__(self, monkeypatch) -> None:
        self.refused: list[str] = []
        self.real = {name: getattr(os, name) for name in ("open", "fsync", "kill", "mkdir")}
        self.real_open = open
        for name in ("replace", "rename"):
            monkeypatch.setattr(os, name, self.moving(getattr(os, name), name))
        for name in ("unlink", "remove", "rmdir"):
            monkeypatch.setattr(os, name, self.removing(getattr(os, name)))
        for name in self.real:
            monkeypatch.setattr(os, name, getattr(self, name))
        monkeypatch.setattr(builtins, "open", self.open_stream)
        monkeypatch.setattr(io, "open", self.open_stream)
        monkeypatch.setattr(shutil, "_use_fd_functions", False)
        for module in (files, process):
            monkeypatch.setattr(module, "WINDOWS", True)
        monkeypatch.setattr(files, "RETRY_SECONDS", 0.1)

    def refuse(self, error: OSError):
        self.refused.append(str(error))
        raise error

    def check_free(self, path) -> None:
        if why := in_use(path):
            self.refuse(PermissionError(errno.EACCES, why, os.fspath(path)))

    def check_name(self, path) -> None:
        if not isinstance(path, int) and (why := illegal(path)):
            self.refuse(OSError(errno.EINVAL, why, os.fspath(path)))

    def moving(self, move, name):
        def moved(source, target, **options):
            self.check_name(target)
            self.check_free(source)
            if os.path.lexists(target):
                self.check_free(target)
                if name == "rename":  # there it never replaces
                    self.refuse(FileExistsError(errno.EEXIST, "exists", os.fspath(target)))
            return move(source, target, **options)

        return moved

    def removing(self, remove):
        def removed(path, **options):
            if os.path.lexists(path) and not isinstance(path, int):
                self.check_free(path)
            return remove(path, **options)

        return removed

    def open(self, path, flags, *more, **options):
        nameless = flags & os.O_TMPFILE == os.O_TMPFILE  # tempfile asks for it on Linux alone
        if os.path.isdir(path) and not nameless:
            self.refuse(PermissionError(errno.EACCES, "is a folder", os.fspath(path)))
        if flags & os.O_CREAT:
            self.check_name(path)
        return self.real["open"](path, flags, *more, **options)

    def fsync(self, descriptor):
        number = descriptor if isinstance(descriptor, int) else descriptor.fileno()
        if fcntl.fcntl(number, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            self.refuse(OSError(errno.EBADF, "is open for reading alone"))
        return self.real["fsync"](descriptor)

    def kill(self, process, signal):
        raise AssertionError("os.kill sends Ctrl-C, or ends the process")

    def mkdir(self, path, *more, **options):
        self.check_name(path)
        return self.real["mkdir"](path, *more, **options)

    def open_stream(self, file, mode="r", buffering=-1, encoding=None, *more, **options):
        if set(mode) & set("wxa"):
            self.check_name(file)
        caller, by_path = sys._getframe(1), False
        while caller.f_code.co_filename.endswith("pathlib.py"):
            caller, by_path = caller.f_back, True
        ours = caller.f_globals.get("__name__", "").startswith("graph_hcl")
        if ours and "b" not in mode and encoding in (None, "locale"):
            raise EncodingWarning(f"{file} is opened without an encoding")
        if by_path and encoding == "locale" and not ours:
            encoding = None
        return self.real_open(file, mode, buffering, encoding, *more, **options)


@pytest.fixture
def windows(monkeypatch, tmp_path):
    """Lay the rules of Windows upon this process; check all names in `tmp_path` at the end."""
    if not Path("/proc/self/maps").exists():
        pytest.skip("/proc tells what is open and mapped on Linux alone")
    laid = Windows(monkeypatch)
    yield laid
    monkeypatch.undo()
    for folder, folders, names in os.walk(tmp_path):
        folded = [name.casefold() for name in [*folders, *names]]
        assert len(set(folded)) == len(folded), f"names in {folder} differ in capitals alone"
        for name in [*folders, *names]:
            assert not illegal(name), illegal(name)


@pytest.fixture
def far_away(monkeypatch, tmp_path):
    """Work in an empty folder, with its own cache of data sets."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRAPH_HCL_DATA", str(tmp_path / "Däten"))
    monkeypatch.delenv("GRAPH_HCL_TU_MIRROR", raising=False)
    return tmp_path
