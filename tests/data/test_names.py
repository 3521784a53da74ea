"""What a name refers to, also where a file or a folder is called like a data set."""

import warnings
from pathlib import Path

import networkx
import pytest

from graph_hcl.data import load
from graph_hcl.data.names import short_name
from graph_hcl.data.sources import find_source
from graph_hcl.errors import UserError
from graph_hcl.settings import make_config, with_absolute_paths


@pytest.mark.parametrize(
    ("name", "what", "short"),
    [
        ("MUTAG", "a TU data set", "MUTAG"),
        ("PTC_MR", "a TU data set", "PTC_MR"),
        ("A.B+c-d", "a TU data set", "A.B+c-d"),
        ("digits", "the data set digits", "digits"),
        ("ogbg-molhiv", "an OGB data set", "ogbg-molhiv"),
        ("mine.csv", "a table", "mine"),
        ("a/b.c/mine.x.TSV.gz", "a table", "mine.x"),
        ("~/mine.parquet", "a table", "mine"),
        ("mine.smi", "a table", "mine"),
        ("mine.jsonl.gz", "a JSON-lines file", "mine"),
        ("a/folder", "a folder of graphs", "folder"),
        ("a/folder/", "a folder of graphs", "folder"),
        ("package.module:graphs", "a function", "graphs"),
        ("my:graphs", "a function", "graphs"),
    ],
)
def test_names(name, what, short, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_source(name).what == what
    assert short_name(name) == short


def test_a_folder_called_like_a_data_set(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("MUTAG", "OTHER"):
        (tmp_path / name / "raw").mkdir(parents=True)
        assert find_source(name).what == "a TU data set"
        (tmp_path / name / "a.graphml").write_text("", encoding="utf-8")
    assert find_source("MUTAG").what == "a TU data set"
    assert find_source("OTHER").what == "a folder of graphs"
    assert find_source("./MUTAG").what == "a folder of graphs"
    (tmp_path / "NCI1").write_text("", encoding="utf-8")
    assert find_source("NCI1").what == "a TU data set"


def test_a_namesake_of_a_data_set_is_told(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    told = "'MUTAG' is read as the TU data set, not as the {0} of that name: for the {0} write "
    Path("MUTAG").mkdir()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(load("MUTAG")) == 188  # without graph files it may be that of a mirror
    for size in range(3, 8):
        networkx.write_edgelist(
            networkx.cycle_graph(size), Path("MUTAG", f"g{size}.edgelist"), data=False
        )
    with pytest.warns(UserWarning, match=told.format("folder") + "./MUTAG"):
        assert len(load("MUTAG")) == 188
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(load("./MUTAG")) == 5
        assert len(load(Path("MUTAG"))) == len(load(Path("./MUTAG"))) == 5
    Path("digits").write_text("", encoding="utf-8")
    with pytest.warns(UserWarning, match="is read as the data set digits, not as the file"):
        load("digits")


def test_a_folder_without_a_card_is_no_data_set_to_download(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("graph_hcl.data.fetch.raw_files", lambda *_: pytest.fail("fetched"))
    monkeypatch.delenv("GRAPH_HCL_TU_MIRROR", raising=False)
    Path("gml").mkdir()
    with pytest.raises(UserError, match="files in the folder gml, but it has none"):
        load("gml")
    Path("gml/a.gml").write_text("graph []", encoding="utf-8")
    with pytest.raises(UserError, match=r"files in the folder gml, but it has a\.gml"):
        load("gml")
    Path("proteins").mkdir()
    Path("Own/raw").mkdir(parents=True)
    Path("Other").mkdir()
    Path("Other/Other_A.txt").write_text("", encoding="utf-8")
    for name in ("proteins", "Own", "Other", "ogbg-molhiv"):
        assert find_source(name).what.endswith("data set"), name


def test_a_folder_without_graph_files_hides_no_data_set(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    mirror = Path("mirror/MINE")
    mirror.mkdir(parents=True)
    for suffix, text in (("A", "1, 2\n2, 1\n"), ("graph_indicator", "1\n1\n")):
        (mirror / f"MINE_{suffix}.txt").write_text(text, encoding="utf-8")
    for name in ("MINE", "NONE"):
        Path(name).mkdir()
        Path(name, "plot.png").write_text("", encoding="utf-8")
    assert len(load("MINE", mirror="mirror", data_dir="cache")) == 1
    with pytest.raises(UserError, match=r"NONE_A\.txt\. The folder NONE has no \.graphml"):
        load("NONE", mirror="mirror", data_dir="cache")
    monkeypatch.delenv("GRAPH_HCL_TU_MIRROR", raising=False)
    assert len(load("MINE", data_dir="cache")) == 1
    with pytest.raises(UserError, match=r"files in the folder NONE, but it has plot\.png"):
        load("NONE", data_dir="cache")


def test_paths_in_a_config_become_absolute(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, kept in (
        ("mine.csv", False),
        ("MUTAG", True),
        ("a.b:c", True),
        ("ogbg-molhiv", True),
    ):
        config = with_absolute_paths(make_config({"dataset": name}))
        assert config.dataset == (name if kept else str(Path(name).absolute()))


def test_no_name() -> None:
    with pytest.raises(UserError, match="Expected the name of a data set, but got ''"):
        load("")
