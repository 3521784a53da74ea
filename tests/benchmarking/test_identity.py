"""Finished trials keep their names, whatever the schema calls its settings."""

import dataclasses
import hashlib
import json
import os
from pathlib import Path

import pytest

from graph_hcl.benchmarking import identity, trials
from graph_hcl.benchmarking.folder import read_records
from graph_hcl.benchmarking.spec import read_benchmark
from graph_hcl.benchmarking.trials import Trial, expand
from graph_hcl.config import Config, DataConfig, EncoderConfig, ProbeConfig
from graph_hcl.data import load
from graph_hcl.data.cards import using

ROOT = Path(__file__).parents[2]
RECORDS = ROOT / "benchmarks" / "results"
FIXED = os.environ.get("GRAPH_HCL_SPLITS")


def trial(config: Config) -> Trial:
    return Trial("MUTAG", "m", config.protocol, config, (20,), {})


def test_every_setting_has_a_frozen_name_of_its_own() -> None:
    assert set(identity.settings(Config(dataset="MUTAG"))) == set(identity.FROZEN)
    names = [row[0] for row in identity.FROZEN.values()]
    assert len(set(names)) == len(names)


def test_places_and_devices_are_no_part_of_it() -> None:
    left_out = {"out", "mirror", "data_dir", "device", "diagnose", "repeats", "probe.jobs"}
    assert not left_out & set(identity.settings(Config(dataset="MUTAG")))


@pytest.mark.parametrize(
    ("dataset", "matters"), [("MUTAG", False), ("COLLAB", False), ("REDDIT-BINARY", True)]
)
def test_standardising_is_part_of_it_where_there_are_quantities(dataset, matters) -> None:
    names = {
        dataclasses.replace(trial(Config(data=DataConfig(standardize=s))), dataset=dataset).name
        for s in (True, False)
    }
    assert len(names) == 1 + matters


def test_names_are_those_of_the_first_records() -> None:
    other = Config(
        dataset="MUTAG",
        beta=0.5,
        encoder=EncoderConfig(jk="last", options={"eps": 0.1}),
        probe=ProbeConfig(folds=3),
    )
    assert trial(Config(dataset="MUTAG")).name == "66e8000779cdfa75d19b"
    assert trial(other).name == "125ab6ee6b806e5b575b"


def test_a_new_default_or_a_new_setting_leaves_names_as_they_are(monkeypatch) -> None:
    @dataclasses.dataclass
    class Later(Config):
        epochs: int = 40
        brand_new: int = 0

    before = trial(Config(dataset="MUTAG")).name
    monkeypatch.setattr(identity, "Config", Later)
    assert trial(Later(dataset="MUTAG", epochs=20)).name == before
    assert "brand_new" in trial(Later(dataset="MUTAG")).key()["config"]
    assert (
        len(
            {
                before,
                trial(Later(dataset="MUTAG")).name,
                trial(Later(dataset="MUTAG", epochs=20, brand_new=1)).name,
            }
        )
        == 3
    )


RECORDED = {file.stem: read_records(file) for file in sorted(RECORDS.glob("*.jsonl"))}


def flattened(groups: dict, prefix: str = "") -> dict:
    """Return the settings of a key by their frozen dotted names."""
    names = {row[0] for row in identity.FROZEN.values()}
    flat = {}
    for name, value in groups.items():
        if prefix + name in names or not isinstance(value, dict):
            flat[prefix + name] = value
        else:
            flat |= flattened(value, f"{prefix}{name}.")
    return flat


@pytest.mark.parametrize("name", RECORDED)
def test_the_key_of_each_record_still_has_its_name(name: str) -> None:
    """Names depend on frozen names and values alone, so a record can prove its own."""
    usual = {row[0]: row[1:] for row in identity.FROZEN.values()}
    for trial_name, record in RECORDED[name].items():
        key = dict(record["key"])
        settings = flattened(key.pop("config"))
        unusual = {k: v for k, v in settings.items() if v not in usual[k]}
        text = json.dumps(
            key | {"config": {"probe": {}} | identity.nested(unusual)}, sort_keys=True
        )
        assert hashlib.sha256(text.encode()).hexdigest()[:20] == trial_name


FOUND = {
    "inductive": 104,
    "inductive-attributes": 19,
    "transductive": 420,
    "transductive-attributes": 55,
    "transductive-large": 30,
    "transductive-mean": 46,
    "transductive-wide": 26,
}
"""Number of records, at least, that the trials of each benchmark find."""


@pytest.mark.parametrize("name", FOUND)
def test_recorded_trials_are_found(name: str) -> None:
    if name.startswith("inductive") and FIXED is None:
        pytest.skip("needs GRAPH_HCL_SPLITS, the folder of the fixed folds")
    spec = read_benchmark(ROOT / "configs" / "benchmark" / f"{name}.yaml", FIXED)
    found = {trial.name for trial in expand(spec)} & set(RECORDED[name])
    assert len(found) >= FOUND[name]


def test_draws_count_where_there_are_few_labels() -> None:
    names = [
        trial(Config(dataset="MUTAG", probe=ProbeConfig(fraction=fraction, draws=draws))).name
        for fraction in (1.0, 0.1)
        for draws in (1, 20)
    ]
    assert names[0] == names[1] == trial(Config(dataset="MUTAG")).name
    assert len(set(names)) == 3
    assert "draws" not in trial(Config(dataset="MUTAG")).key()["config"]["probe"]
    few = Config(dataset="MUTAG", probe=ProbeConfig(fraction=0.1))
    assert trial(few).key()["config"]["probe"]["draws"] == 20


def test_a_measurement_is_part_of_the_name_and_its_absence_is_not() -> None:
    plain = trial(Config(dataset="MUTAG"))
    assert "measure" not in plain.key()
    measured = dataclasses.replace(plain, measure="package.module:Class")
    assert measured.key()["measure"] == "package.module:Class"
    assert measured.name != plain.name


@pytest.mark.parametrize("baseline", ["wl-subtree", "wl-oa"])
@pytest.mark.parametrize(
    ("dataset", "matters"),
    [("MUTAG", True), ("COIL-DEL", True), ("ogbg-molbace", True), ("mine.jsonl", True),
     ("NCI1", False), ("COLLAB", False), ("digits", False)],
)  # fmt: skip
def test_kernels_that_read_edges_have_names_of_their_own(monkeypatch, baseline, dataset, matters):
    monkeypatch.setattr(Trial, "data_sha256", None)
    one = dataclasses.replace(trial(Config(dataset=dataset)), dataset=dataset)
    assert "edge_attributes" not in one.key()
    kernel = dataclasses.replace(one, baseline=baseline)
    assert kernel.key().get("edge_attributes", False) is matters
    name = kernel.name
    monkeypatch.setattr(trials, "READ_EDGES", ())
    assert (dataclasses.replace(kernel).name != name) is matters


@pytest.mark.parametrize("name", ["MUTAG", "digits", "PTC_MR", "ENZYMES", "NCI1"])
def test_cards_tell_which_data_sets_have_edge_attributes(name: str) -> None:
    """Names of trials rest on it."""
    if name not in ("MUTAG", "digits") and "GRAPH_HCL_TU_MIRROR" not in os.environ:
        pytest.skip("needs GRAPH_HCL_TU_MIRROR with NAME.zip files")
    kernel = dataclasses.replace(trial(Config(dataset=name)), dataset=name, baseline="wl-oa")
    assert ("edge_attributes" in kernel.key()) is (load(name).edge_attr is not None)


@pytest.mark.parametrize(
    ("graphs", "fraction", "usual"),
    [(20_000, 1.0, "nystroem-svm"), (20_000, 0.1, "svm"), (188, 1.0, "svm")],
)
def test_the_default_probe_is_named_as_what_it_is(tmp_path, graphs, fraction, usual) -> None:
    text = f"{{name: SET, source: x, graphs: {graphs}, classes: 2, average_nodes: 1, "
    text += "average_edges: 1, features: labels}"
    (tmp_path / "SET.yaml").write_text(text, encoding="utf-8")

    def name(probe: str | None) -> str:
        config = Config(dataset="SET", probe=ProbeConfig(name=probe, fraction=fraction))
        return dataclasses.replace(trial(config), dataset="SET").name

    with using(tmp_path):
        others = {"svm", "nystroem-svm"} - {usual}
        assert name(None) == name(usual)
        assert name(None) not in {name(other) for other in others}


def test_without_a_card_the_default_probe_is_no_probe_by_name() -> None:
    trials = [
        dataclasses.replace(trial(Config(probe=ProbeConfig(name=probe))), dataset="mine:graphs")
        for probe in (None, "svm", "nystroem-svm", "logistic")
    ]
    assert len({one.name for one in trials}) == 4
    assert trials[0].key()["config"]["probe"]["name"] == "auto"
