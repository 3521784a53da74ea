"""Tables of SMILES: columns by name, all formats alike, a cache by content, mistakes by line."""

import csv
import dataclasses
import gzip
import warnings

import pandas
import pytest
import torch

from graph_hcl.data import GraphStore, load, tables
from graph_hcl.data.sources import table
from graph_hcl.data.tables import open_text
from graph_hcl.errors import UserError

ROWS = [
    ("id", "smiles", "active", "size", "hole"),
    ("m0", "CCO", 1, 0.5, ""),
    ("m1", "c1ccccc1", 0, 2.0, 1),
    ("m 2", "O", 1, 1.5, 0),
]


@pytest.fixture
def read(tmp_path):
    """Load a file from a text or bytes, with a cache of its own."""

    def read(content, name="t.csv", **options):
        file = tmp_path / name
        if isinstance(content, list):
            with file.open("w", newline="", encoding="utf-8") as stream:
                csv.writer(stream).writerows(content)
        elif content is not None:
            file.write_bytes(content.encode() if isinstance(content, str) else content)
        return load(file, data_dir=str(tmp_path / "data"), **options)

    return read


def test_columns(read) -> None:
    store = read(ROWS, smiles="smiles", targets="active", ids="id")
    assert (store.y.tolist(), store.classes, store.ids) == (
        [1, 0, 1],
        ["0", "1"],
        ["m0", "m1", "m 2"],
    )
    made = GraphStore.from_smiles(["CCO", "c1ccccc1", "O"], y=[1, 0, 1], ids=store.ids)
    assert dataclasses.replace(made, classes=store.classes).digest() == store.digest()
    bare = read(None)
    assert (bare.y, bare.classes, bare.ids) == (None, [], None)
    assert torch.equal(bare.x, store.x)
    real = read(None, targets="size")
    assert (real.y.tolist(), real.tasks, real.has_classes) == ([0.5, 2.0, 1.5], ["size"], False)
    whole = read(None, targets="active", labels="numbers")
    assert (whole.y.tolist(), whole.tasks, whole.has_classes) == ([1, 0, 1], ["active"], False)


@pytest.mark.parametrize("targets", ["size,hole", "size, hole", ["size", "hole"], ("size", "hole")])
def test_tasks(read, targets) -> None:
    store = read(ROWS, targets=targets)
    assert torch.equal(store.y.nan_to_num(9), torch.tensor([[0.5, 9], [2, 1], [1.5, 0]]))
    assert (store.tasks, store.classes) == (["size", "hole"], [])
    assert read(None, targets=["size"]).y.shape == (3, 1)
    assert store[[2, 0]].tasks == store.tasks


def test_a_column_with_a_comma_in_its_name(read) -> None:
    rows = [("smiles", "a,b", "a", "b"), ("C", 5, 1, 2), ("O", 6, 1, 2)]
    assert read(rows, targets="a,b").y.tolist() == [0, 1]
    assert read(rows, targets=["a,b"]).y.tolist() == [[5], [6]]


def test_all_formats_alike(read, tmp_path) -> None:
    options = {"targets": "active", "ids": "id"}
    want = read(ROWS, **options)
    text = (tmp_path / "t.csv").read_text(encoding="utf-8")
    frame = pandas.read_csv(tmp_path / "t.csv", dtype={"id": str})
    frame.to_parquet(tmp_path / "p.parquet")
    frame.to_csv(tmp_path / "q.tsv", sep="\t", index=False)
    frame.to_csv(tmp_path / "r.tsv.gz", sep="\t", index=False)
    same = [
        read(gzip.compress(text.encode()), "a.csv.gz", **options),
        read("\ufeff" + text, "b.csv", **options),
        read(text.replace("\n", "\r\n"), "c.CSV", **options),
        read(text.replace("smiles", " smiles "), "d.csv", **options),
        read(text.replace("\n", "\n\n"), "e.csv", **options),
        *(read(None, name, **options) for name in ("p.parquet", "q.tsv", "r.tsv.gz")),
    ]
    for store in same:
        assert store.digest() == want.digest()
    smi = read("CCO m0\n\n  c1ccccc1\tm1\nO m 2\n", "s.smi")
    assert smi.ids == want.ids
    assert torch.equal(smi.x, want.x)
    assert read("CCO\nO x\n", "t.smi").ids == ["", "x"]
    assert read("CCO\nO\n", "u.smi").ids is None


def test_columns_that_nothing_reads_are_named_once(read) -> None:
    text = "smiles,label,weight,\nCCO,1,0.5,0\nCC,0,0.7,1\n"
    for _ in range(2):  # then from the cache
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            read(text, "w.csv")
        (one,) = told
        assert str(one.message).startswith("'label', 'weight' are not read in ")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read(text, "w.csv", targets=["label", "weight"])


def test_further_columns_of_smi(read) -> None:
    with pytest.warns(UserWarning, match=r"after the name are not read in .* \(first in line 2\)"):
        store = read("C methane gas\nCCO\tethanol\t0.5\nCC\tethane \t0.7\tb\n", "c.smi")
    assert store.ids == ["methane gas", "ethanol", "ethane"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        extended = read("CCO |$a b;;$| ethanol\n[CH3] |^1:0|\nC\n", "e.smi")
        assert extended.ids == ["ethanol", "", ""]
        read("CCO\tethanol\nCC\tethane\t\n", "d.smi")


def test_a_smi_file_is_read_to_count_and_to_read_and_once_cached_not_at_all(
    read, monkeypatch
) -> None:
    opened = []
    monkeypatch.setattr(tables, "open_text", lambda file: opened.append(file) or open_text(file))
    for count in (2, 2):
        with pytest.warns(UserWarning, match="after the name are not read"):
            read("CCO\tethanol\t0.5\nC\n", "c.smi")
        assert len(opened) == count


def test_words_of_truth_are_tasks(read) -> None:
    store = read("smiles,a,b\nC,True,0\nCC,FALSE,\n", "b.csv", targets=["a", "b"])
    assert store.y.nan_to_num(7).tolist() == [[1, 0], [0, 7]]


def test_whole_floats_are_names_of_integers(read, tmp_path) -> None:
    frame = pandas.DataFrame({"smiles": ["C", "CC", "CCC"], "g": [1.0, 2.0, 1.0]})
    frame.to_parquet(tmp_path / "g.parquet")
    text = "smiles,g\nC,1\nCC,2.0\nCCC,1.0\n"
    for store in (read(None, "g.parquet", ids="g", groups="g"), read(text, ids="g", groups="g")):
        assert store.groups == store.ids == ["1", "2", "1"]


def test_missing_numbers_in_parquet(read, tmp_path) -> None:
    frame = pandas.DataFrame({"smiles": ["C", "O"], "y": [1.0, None], "z": [None, True]})
    frame.to_parquet(tmp_path / "p.parquet")
    y = read(None, "p.parquet", targets="y,z").y
    assert torch.equal(y.nan_to_num(9), torch.tensor([[1.0, 9], [9, 1]]))


def test_skipped_ones_take_their_targets_along(read) -> None:
    rows = [("smiles", "y", "id"), ("C", "a", 1), ("C1CC", "b", 2), ("O", "c", 3)]
    with pytest.raises(UserError, match=r"column 'smiles', but 1 of 3 .*: line 3 has 'C1CC'"):
        read(rows, targets="y")
    for _ in range(2):  # the cache tells it again
        with pytest.warns(
            UserWarning, match=r"1 cannot be read and is left out: line 3 has 'C1CC'"
        ) as w:
            store = read(rows, targets="y", ids="id", invalid="skip")
        assert [one.filename for one in w] == [__file__]
        assert (store.classes, store.y.tolist(), store.ids) == (["a", "c"], [0, 1], ["1", "3"])
    tasks = read([*rows, ("N", "d", 4)], targets=["id"], invalid="skip")
    assert tasks.y.tolist() == [[1], [3], [4]]


def test_lines_are_those_of_the_file(read) -> None:
    text = 'smiles,note\nC,"two\nlines"\n\nC1CC,\n'
    with pytest.raises(UserError, match="line 5 has 'C1CC'"):
        read(text)
    with pytest.raises(UserError, match=r"2 values in each line .* but line 5 has 3"):
        read(text.replace("C1CC,", "O,a,b"))


def test_cache(read, tmp_path, monkeypatch) -> None:
    made, make = [], table.MoleculeReader
    monkeypatch.setattr(table, "MoleculeReader", lambda total: made.append(1) or make(total))
    first = read(ROWS, targets="active")
    assert read(None, targets="active").digest() == first.digest()
    assert read(ROWS, "other.csv", targets="active").sha256 == first.sha256
    assert len(made) == 2  # another name, another file
    read(None, targets="size")
    assert len(made) == 3
    changed = read([*ROWS[:-1], ("m3", "N", 1, 1, 1)], targets="active")
    assert changed.sha256 != first.sha256
    assert len(made) == 4
    assert read(None, targets="size").sha256 == changed.sha256  # of the molecules, not the labels
    (cache,) = [f for f in (tmp_path / "data" / "tables").iterdir() if f.name.startswith("other")]
    cache.write_bytes(cache.read_bytes()[:-9])
    with pytest.warns(UserWarning, match="is damaged .* rebuilt"):
        assert read(ROWS, "other.csv", targets="active").digest() == first.digest()


@pytest.mark.parametrize(
    ("content", "options", "said"),
    [
        (ROWS, {"smiles": "smile"}, "column 'smile' in .*t.csv, but it has id, .* mean smiles"),
        (ROWS, {"targets": "actve"}, "column 'actve' .* has id, smiles, active, .* mean active"),
        (ROWS, {"targets": ["active", "sizes"]}, "column 'sizes' .* mean size"),
        (ROWS, {"targets": "active,active"}, "Expected different columns as targets"),
        (ROWS, {"targets": []}, "Expected different columns as targets"),
        (ROWS, {"ids": "name"}, "column 'name'"),
        (ROWS, {"smiles": "id"}, "column 'id', but none is one: line 2 has 'm0'"),
        (ROWS, {"targets": "id,active"}, "column 'id', one of several tasks, but line 2 of .*'m0'"),
        (ROWS, {"labels": "numbers", "targets": "id"}, "numbers in the column 'id', but line 2"),
        (ROWS, {"invalid": "drop"}, "invalid .*error or skip, but got 'drop'"),
        (ROWS, {"labels": "real"}, "labels .*auto or classes or numbers"),
        (ROWS, {"node_attributes": True}, r"no node_attributes \(--data.node-attributes\)"),
        (ROWS, {"options": {"a": 1}}, "Expected no options"),
        ("a,b\n1,2\n", {}, r"column of SMILES in .*, but none .* among a, b: name it with smiles="),
        ("Smiles,SMILES\nC,C\n", {}, "name it with smiles="),
        ("smiles,smiles\nC,C\n", {"smiles": "smiles"}, "one column 'smiles' in .*, but got 2"),
        ("smiles\n", {}, "there are none"),
        ("", {}, "a header line in .*t.csv, but the file is empty"),
        ("smiles\nC,O\n", {}, "1 values in each line .* line 2 has 2"),
        ('smiles,y\nC,"1\n', {}, "line 2 cannot be read"),
        ("smiles\nC\n".encode("utf-16"), {}, "Expected UTF-8 text in .*t.csv"),
        ("smiles,y\nC,\nO,\n", {"targets": "y"}, "all 2 entries are missing"),
        ("smiles,y\nC,1\n,\n", {}, "1 of 2 cannot be read: line 3 has ''"),
        (",y\n,1\n", {"smiles": ""}, "none is one: line 2 has ''"),
    ],
)  # fmt: skip
def test_mistakes(read, tmp_path, content, options, said) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserError, match=said) as caught:
            read(content, **options)
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "data").rglob("*.*"))  # nothing half-written


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("no.csv", None, "Expected a file at .*no.csv, but there is none"),
        ("a.csv.gz", b"smiles\nC\n", "Expected a complete file at .*a.csv.gz"),
        ("a.csv.gz", gzip.compress(b"smiles\nC\n" * 99, mtime=0)[:-9], "Expected a complete file"),
        ("a.parquet", b"smiles", "Expected a Parquet file at"),
        ("a.smi", "C\nx\n", "1 of 2 cannot be read: line 2 has 'x'"),
        ("a.smi", "", "there are none"),
        ("a.xlsx", b"PK", r"Expected a file that ends in .csv, .*, or a folder"),
        ("a.pkl", b"\x80", r"Expected a file that ends in .csv"),
        ("a.pt", b"PK", r"Expected a file that ends in .csv"),
        ("a.graphml", b"<", r"a folder of graph files, but got the one graph"),
    ],
)
def test_damaged_files(read, name, content, said) -> None:
    with pytest.raises(UserError, match=said):
        read(content, name)


def test_a_smi_file_takes_no_columns(read) -> None:
    for option in ("smiles", "targets", "ids"):
        with pytest.raises(UserError, match=f"Expected no {option} .* has no header"):
            read("C\n", "a.smi", **{option: "x"})


def test_a_real_table(table_of, tmp_path) -> None:
    """Compare labels with a slow loop over the rows."""
    file = table_of("tox21")
    with gzip.open(file, "rt", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))[:300]
    names = [name for name in rows[0] if name not in ("smiles", "mol_id")]
    with (tmp_path / "some.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    store = load(tmp_path / "some.csv", targets=names, ids="mol_id", data_dir=str(tmp_path))
    assert store.ids == [row["mol_id"] for row in rows]
    for number, row in enumerate(rows):
        for task, name in enumerate(names):
            value = store.y[number, task]
            assert value.isnan() if row[name] == "" else float(value) == float(row[name])
