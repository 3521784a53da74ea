"""Augmentations as text: what parses, what it means, and what the mistakes say."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph_hcl.augment import (
    Compose,
    EdgeDrop,
    EdgeMask,
    FeatureMask,
    Identity,
    NodeDrop,
    RandomChoice,
    RandomWalkSubgraph,
    parse,
    spec,
)
from graph_hcl.errors import UserError
from tests.one_sentence import ends_in_one_sentence


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("identity", Identity()),
        ("identity()", Identity()),
        ("node_drop", NodeDrop(0.2)),
        ("  edge_drop( 0.2 ) ", EdgeDrop(0.2)),
        ("edge_drop(0)", EdgeDrop(0.0)),
        ("edge_drop(1e-1)+feature_mask(0.1)", Compose((EdgeDrop(0.1), FeatureMask(0.1)))),
        ("edge_mask", EdgeMask(0.2)),
        ("edge_mask(1)", EdgeMask(1)),
        ("identity|subgraph(0.8)", RandomChoice((Identity(), RandomWalkSubgraph(0.8)))),
        (
            "node_drop(0.2)|edge_drop(0.2)+identity",
            RandomChoice((NodeDrop(0.2), Compose((EdgeDrop(0.2), Identity())))),
        ),
        (
            "(node_drop(0.2)|edge_drop(0.2)) + identity",
            Compose((RandomChoice((NodeDrop(0.2), EdgeDrop(0.2))), Identity())),
        ),
        ("((identity))", Identity()),
    ],
)
def test_text_means(text, expected):
    assert parse(text) == expected
    assert parse(spec(expected)) == expected


LEAVES = st.one_of(
    st.just(Identity()),
    st.sampled_from([EdgeDrop, NodeDrop, FeatureMask]).flatmap(
        lambda kind: st.floats(0, 1, exclude_max=True).map(kind)
    ),
    st.floats(0, 1, exclude_min=True).map(RandomWalkSubgraph),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.tuples(
        st.sampled_from([Compose, RandomChoice]), st.lists(inner, min_size=2, max_size=3)
    ).map(lambda found: found[0](tuple(found[1]))),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None)
@given(tree=TREES)
def test_spec_and_parse_are_inverse(tree):
    assert parse(spec(tree)) == tree
    assert eval(repr(tree)) == tree


def test_an_import_path_names_anyones_augmentation(monkeypatch, tmp_path):
    (tmp_path / "their_augmentations.py").write_text(
        "from dataclasses import dataclass\n"
        "@dataclass(frozen=True)\n"
        "class Mine:\n"
        "    strength: float\n"
        "    times: int = 1\n"
        "    def __call__(self, batch, generator): ...\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(tmp_path)
    found = parse("their_augmentations:Mine(0.3, 2) + identity")
    assert repr(found) == "Compose(parts=(Mine(strength=0.3, times=2), Identity()))"
    assert isinstance(found.parts[0].times, int)
    assert parse(spec(found)) == found


def test_an_import_path_names_a_function_or_an_instance(monkeypatch, tmp_path):
    (tmp_path / "their_functions.py").write_text(
        "from functools import partial\n"
        "from graph_hcl.augment import EdgeDrop, Edit\n"
        "def drop(batch, generator, share=0.5): return Edit()\n"
        "def makes(share=0.25): return EdgeDrop(share)\n"
        "class Drop:\n"
        "    def __call__(self, batch, generator): return Edit()\n"
        "one, less = Drop(), partial(drop, share=0.1)\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("drop", "one", "drop()"):
        found = parse(f"their_functions:{name}")
        text = f"their_functions:{name.removesuffix('()')}"
        assert spec(found) == text
        assert parse(text) is found
        both = parse(f"{text} + identity | {text}")
        assert parse(spec(both)) == both
    assert parse("their_functions:less").keywords == {"share": 0.1}
    assert parse("their_functions:makes") == EdgeDrop(0.25)
    ends_in_one_sentence(
        lambda: parse("their_functions:drop(0.2)"),
        r"Expected their_functions:drop without numbers in .* got 'their_functions:drop\(0.2\)'",
    )
    ends_in_one_sentence(lambda: spec(parse("their_functions:less")), "give it a place in a module")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "but got its end in ''"),
        ("edge_drop(0.2)+", r"but got its end in 'edge_drop\(0.2\)\+'"),
        ("|identity", r"but got '\|' in"),
        ("identity identity", "but got 'identity' in"),
        ("edge_drop(0.2", "but got '.0.2' in|but got '0.2' in"),
        ("(identity", "no closing parenthesis"),
        ("identity)", r"but got '\)' in"),
        ("edge-drop(0.2)", r"but got '-drop\(0.2\)' in"),
        ("edge_dorp(0.2)", "Did you mean edge_drop"),
        ("no.such.module:Mine(0.2)", "Cannot import the augmentation"),
        ("edge_drop(1.5)", r"In the augmentation 'edge_drop\(1.5\)': .*0 <= ratio < 1.*1.5"),
        ("edge_drop(nan)", "0 <= ratio < 1"),
        ("edge_drop(-0.5)", "0 <= ratio < 1"),
        ("subgraph(0)", "0 < ratio <= 1"),
        ("edge_drop(a)", r"Expected edge_drop\(ratio\) with numbers .*got 'edge_drop\(a\)'"),
        ("edge_drop(0.1, 0.2)", r"Expected edge_drop\(ratio\)"),
        ("identity(0.1)", r"Expected identity .*but got 'identity\(0.1\)'"),
    ],
)
def test_mistakes_are_told_in_one_sentence(text, message):
    with pytest.raises(UserError, match=message) as caught:
        parse(text)
    assert "\n" not in str(caught.value)
