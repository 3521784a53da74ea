"""What differs among the records of one table is told, one sentence for each kind."""

from graph_hcl.benchmarking.mixtures import mixtures

NEW = {
    "dataset": "MUTAG",
    "commit": "0123456789abcdef" * 2,
    "threads": 2,
    "processor": "A",
    "data_sha256": "a" * 64,
    "versions": {"torch": "2.0", "numpy": "1.0"},
}
OLD = {"dataset": "MUTAG", "data_sha256": "a" * 64, "versions": {"torch": "2.0", "numpy": "1.0"}}


def test_records_of_one_kind_need_no_sentence() -> None:
    assert mixtures([]) == mixtures([NEW, NEW]) == mixtures([OLD, OLD]) == []
    assert mixtures([NEW, NEW | {"dataset": "NCI1", "data_sha256": "b" * 64}]) == []


def test_each_kind_has_its_sentence() -> None:
    other = {
        "dataset": "MUTAG",
        "commit": "f" * 40,
        "threads": 8,
        "processor": "B",
        "data_sha256": "b" * 64,
        "versions": {"torch": "2.1", "numpy": "1.0"},
    }
    assert mixtures([NEW, other, NEW]) == [
        "Records of 2 commits: 0123456789ab (2), ffffffffffff (1).",
        "Records of 2 combinations of versions: torch 2.0 (2); torch 2.1 (1).",
        "Records of 2 processors: A (2), B (1).",
        "Records of 2 numbers of threads: 2 (2), 8 (1).",
        "Records of 2 contents of MUTAG: aaaaaaaaaaaa… (2), bbbbbbbbbbbb… (1).",
    ]


def test_what_older_records_lack_is_unknown() -> None:
    assert mixtures([OLD, OLD, NEW]) == [
        "Records of 2 commits: unknown (2), 0123456789ab (1).",
        "Records of 2 processors: unknown (2), A (1).",
        "Records of 2 numbers of threads: unknown (2), 2 (1).",
    ]
    assert mixtures([NEW, NEW | {"commit": None}]) == [
        "Records of 2 commits: 0123456789ab (1), unknown (1)."
    ]


def test_uncommitted_code_is_told_even_alone() -> None:
    (sentence,) = mixtures([NEW | {"commit": "a" * 40 + "-dirty"}] * 2)
    assert (
        sentence == "Records of aaaaaaaaaaaa-dirty are of code with changes that are in no commit."
    )
