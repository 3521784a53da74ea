"""A tiny TU data set to write and spoil, and the real ones where a mirror is at hand."""

import os
import shutil
import zipfile
from pathlib import Path

import pytest

from graph_hcl.data.tu import read

# Two graphs: a triangle with a self-loop and a repeated edge, and an edge with an isolated node.
TINY = {
    "A": "1, 2\n2, 1\n2, 3\n3, 2\n1, 3\n3, 1\n2, 2\n1, 2\n4, 5\n5, 4\n",
    "graph_indicator": "1\n1\n1\n2\n2\n2\n",
    "graph_labels": "-1\n1\n",
    "node_labels": "3\n5\n3\n4\n3\n3\n",
    "node_attributes": "0.5, 1\n1, 2\n2, 3\n3, 4\n4, 5\n5, 6.25\n",
    "edge_labels": "0\n0\n1\n1\n1\n1\n0\n1\n2\n2\n",
}


@pytest.fixture(autouse=True)
def no_settings(monkeypatch):
    """Keep the settings of whoever runs the tests out of them."""
    mirror = os.environ.get("GRAPH_HCL_TU_MIRROR")
    for name in ("GRAPH_HCL_DATA", "GRAPH_HCL_TU_MIRROR", "GRAPH_HCL_OGB_MIRROR"):
        monkeypatch.delenv(name, raising=False)
    return mirror


OGB_MIRROR = os.environ.get("GRAPH_HCL_OGB_MIRROR")


@pytest.fixture
def ogb_mirror():
    if not OGB_MIRROR or not Path(OGB_MIRROR).is_dir():
        pytest.skip("GRAPH_HCL_OGB_MIRROR names no folder of OGB archives")
    return OGB_MIRROR


@pytest.fixture
def table_of():
    """Return the path of a real table of molecules, NAME.csv.gz in GRAPH_HCL_MOLECULES."""
    folder = os.environ.get("GRAPH_HCL_MOLECULES")

    def table_of(name):
        file = Path(folder or "") / f"{name}.csv.gz"
        if not folder or not file.is_file():
            pytest.skip(f"GRAPH_HCL_MOLECULES names no folder with {name}.csv.gz")
        return file

    return table_of


@pytest.fixture
def mirror(no_settings):
    if not no_settings or not Path(no_settings).is_dir():
        pytest.skip("GRAPH_HCL_TU_MIRROR names no folder of TU archives")
    return no_settings


@pytest.fixture
def put_raw(tmp_path):
    """Write a TU data set's raw files into DATA/NAME/raw and return DATA."""

    def put(files=TINY, name="TINY"):
        raw = tmp_path / "data" / name / "raw"
        shutil.rmtree(raw, ignore_errors=True)
        raw.mkdir(parents=True)
        for suffix, text in files.items():
            (raw / f"{name}_{suffix}.txt").write_text(text, encoding="utf-8")
        return str(tmp_path / "data")

    return put


@pytest.fixture
def put_zip(tmp_path):
    """Write an archive NAME.zip of the given members into a mirror folder and return the folder."""

    def put(members=None, name="TINY"):
        folder = tmp_path / "mirror"
        folder.mkdir(exist_ok=True)
        if members is None:
            members = {f"{name}/{name}_{suffix}.txt": text for suffix, text in TINY.items()}
        with zipfile.ZipFile(folder / f"{name}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for member, text in members.items():
                archive.writestr(member, text)
        return str(folder)

    return put


@pytest.fixture
def tiny():
    return dict(TINY)


@pytest.fixture
def read_tu(tmp_path):
    """Write a TU set's raw files, given by suffix, and return the graphs read from them."""

    def read_tu(files):
        folder = tmp_path / "raw"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        paths = {suffix: folder / f"T_{suffix}.txt" for suffix in files}
        for suffix, text in files.items():
            paths[suffix].write_bytes(text if isinstance(text, bytes) else text.encode())
        return read(paths)

    return read_tu
