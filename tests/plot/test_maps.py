"""Maps of embeddings: robust to outliers, true to clusters, legible with many classes."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from sklearn.metrics import silhouette_score

from graph_hcl import plot
from graph_hcl.errors import UserError
from graph_hcl.plot.embedding import MAX_POINTS
from graph_hcl.plot.maps import check_map, compress

SVG = "{http://www.w3.org/2000/svg}"


def test_compress_is_asinh_in_units_of_the_quartiles() -> None:
    x = np.random.default_rng(0).normal(size=(60, 3)) * [1, 20, 300]
    for column, found in zip(x.T, compress(x).T, strict=True):
        low, middle, high = (np.quantile(column, q) for q in (0.25, 0.5, 0.75))
        bent = np.array([np.arcsinh((v - middle) * 1.349 / (high - low)) for v in column])
        np.testing.assert_allclose(found, (bent - bent.mean()) / bent.std(), atol=1e-9)
    assert compress(np.full((4, 1), 7.0)).tolist() == [[0.0]] * 4


def test_pca_is_that_of_compressed_embeddings() -> None:
    x = np.random.default_rng(0).normal(size=(40, 4)) * [1, 2, 3, 4]
    points, caption = plot.project(x)
    left, values, _ = np.linalg.svd(compress(x), full_matrices=False)
    np.testing.assert_allclose(np.abs(points), np.abs(left * values)[:, :2], atol=1e-8)
    share = (values[:2] ** 2).sum() / (values**2).sum()
    assert caption == f"PCA, {share:.0%} of the variance"
    assert plot.project(np.ones((5, 3)))[0].tolist() == [[0, 0]] * 5
    assert plot.project(np.arange(5.0)[:, None])[0].shape == (5, 2)


@pytest.mark.parametrize("outlier", [10.0, 1e3, 1e6, 1e12])
def test_one_huge_graph_does_not_hide_the_others(outlier) -> None:
    generator = np.random.default_rng(0)
    size = generator.lognormal(sigma=1, size=(400, 1))
    x = size * generator.uniform(0.5, 1.5, size=(400, 8))
    x[0] *= outlier
    ax = plot.embedding_map(plot.project(x)[0], np.arange(400) % 2)
    drawn = np.concatenate([np.asarray(c.get_offsets()) for c in ax.collections])
    for axis, limits in ((0, ax.get_xlim()), (1, ax.get_ylim())):
        low, high = np.percentile(drawn[:, axis], [10, 90])
        assert (high - low) / (limits[1] - limits[0]) > 0.1


@pytest.mark.parametrize("sizes", [(100, 100, 100), (180, 60, 60), (280, 10, 10)])
def test_collapsed_classes_stay_tight_and_apart(sizes) -> None:
    corner = np.eye(3)[np.repeat(np.arange(3), sizes)]
    x = corner + 0.01 * np.random.default_rng(0).normal(size=corner.shape)
    assert silhouette_score(plot.project(x)[0], corner.argmax(1)) > 0.8


def test_points_far_beyond_stand_hollow_at_the_border_and_are_counted() -> None:
    xy = np.random.default_rng(0).normal(size=(300, 2))
    xy[7], xy[8] = (1e4, 0), (0, -1e4)
    ax = plot.embedding_map(xy, np.zeros(300, dtype=int))
    near, far = ax.collections
    assert len(near.get_offsets()) == 298
    assert len(far.get_facecolors()) == 0
    assert np.abs(far.get_offsets()).max() < 30
    assert ax.get_xlabel() == "hollow, at the border: 2 outliers"
    text = plot.svg(ax)
    assert "<title>graph 7, class 0, beyond the border</title>" in text
    assert text.count("beyond the border") == 2


def test_many_classes_are_named_at_their_medians_where_there_is_room() -> None:
    y = np.repeat(np.arange(40), 9)
    centres = np.random.default_rng(0).uniform(size=(40, 2)) * 20
    xy = centres[y] + np.random.default_rng(1).normal(size=(360, 2))
    ax = plot.embedding_map(xy, y)
    named = {int(text.get_text()): text.get_position() for text in ax.texts}
    for name, place in named.items():
        np.testing.assert_allclose(place, np.median(xy[y == name], axis=0))
    assert 20 <= len(named) < 40
    assert len(ax.collections) == 1 + 40 - len(named)
    assert ax.get_xlabel() == f"names: medians of {len(named)} of 40 classes, the others as dots"
    plot.svg(ax)
    boxes = [text.get_window_extent() for text in ax.texts]
    for k, box in enumerate(boxes):
        assert not any(box.shrunk(0.8, 0.6).overlaps(other) for other in boxes[:k])
    assert ax.get_legend() is None


@pytest.mark.parametrize("count", range(1, 9))
def test_few_points_stay_where_they_are(count) -> None:
    xy = (
        np.random.default_rng(count).uniform(1, 2, size=(count, 2))
        * np.arange(1, count + 1)[:, None]
    )
    ax = plot.embedding_map(xy, np.arange(count))
    drawn = np.concatenate([np.asarray(c.get_offsets()) for c in ax.collections])
    np.testing.assert_allclose(drawn, xy)
    assert ax.get_xlabel() == ""


def test_maps_without_points_or_with_one_are_drawn() -> None:
    assert plot.svg(plot.embedding_map(np.zeros((1, 2)), [3])).startswith("<svg")
    assert plot.svg(plot.embedding_map(np.zeros((0, 2)), [])).startswith("<svg")


def test_embeddings_that_are_not_finite_cost_one_sentence() -> None:
    with pytest.raises(UserError, match="Expected finite embeddings"):
        plot.project([[0.0, np.nan], [1.0, 2.0]])


def test_maps_that_cannot_be_drawn(monkeypatch) -> None:
    with pytest.raises(UserError, match="pca, tsne or umap, but got 'mds'"):
        check_map("mds")
    monkeypatch.setitem(__import__("sys").modules, "umap", None)
    with pytest.raises(UserError, match="pip install"):
        plot.project(np.eye(3), "umap")


@pytest.mark.parametrize("classes", [2, 9, 40])
def test_every_point_of_a_map_tells_its_graph_and_class(classes) -> None:
    y = np.arange(120) % classes
    xy = np.random.default_rng(0).normal(size=(120, 2))
    ax = plot.embedding_map(xy, y, graphs=list(range(1000, 1120)))
    text = plot.svg(ax)
    assert text.count('<g class="point">') == 120 + (classes if classes > 16 else 0)
    titles = re.findall(r"<title>graph (\d+), class (\d+)</title>", text)
    assert sorted((int(g), int(c)) for g, c in titles) == [
        (1000 + k, k % classes) for k in range(120)
    ]
    assert "hover:" not in text
    assert plot.svg(plot.embedding_map(xy, y, graphs=list(range(1000, 1120)))) == text
    # Each title stands with its own point: their places are those of the data.
    drawn = {}
    for group in ET.fromstring(text).iter(f"{SVG}g"):
        title = group.find(f"{SVG}title")
        if title is not None and title.text.startswith("graph"):
            use, path = group.find(f".//{SVG}use"), group.find(f"{SVG}path")
            place = path.get("d").split()[1:3] if use is None else (use.get("x"), use.get("y"))
            drawn[int(title.text.split()[1].rstrip(",")) - 1000] = [float(v) for v in place]
    assert len(drawn) == 120
    pixels = ax.transData.transform(xy)
    for axis in (0, 1):
        a, b = np.array([drawn[k][axis] for k in range(120)]), pixels[:, axis]
        assert abs(np.corrcoef(a, b)[0, 1]) > 0.999  # triangles start at a corner
    looks = [c for c in ax.collections if "class" in str(c.get_label())]
    assert len(looks) == (classes if classes <= 16 else 0)


def test_large_maps_are_subsampled_and_say_so() -> None:
    count = 2 * MAX_POINTS + 1
    ax = plot.embedding_map(np.zeros((count, 2)), np.arange(count) % 2)
    drawn = sum(len(c.get_offsets()) for c in ax.collections)
    assert drawn <= MAX_POINTS
    assert ax.get_xlabel() == f"{drawn} of {count} graphs are drawn"


def test_tsne_keeps_neighbours_near() -> None:
    random = np.random.default_rng(0)
    groups = np.arange(90) // 30
    x = 8 * random.normal(size=(3, 12))[groups] + random.normal(size=(90, 12))
    points, caption = plot.project(x, "tsne")
    assert caption == "t-SNE"
    distance = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    assert (groups[distance.argmin(1)] == groups).all()
    assert (plot.project(x, "tsne")[0] == points).all()
    for few in (2, 3, 5):
        assert np.isfinite(plot.project(x[:few], "tsne")[0]).all()


@pytest.mark.parametrize("name", ['a "x"', "a 'x'", """'a' "x" <b> & c""", "a > b"])
def test_a_name_with_quotes_is_hover_text_and_no_link(name) -> None:
    xy = np.random.default_rng(0).normal(size=(30, 2))
    text = plot.svg(plot.embedding_map(xy, [name] * 30))
    assert "hover:" not in text
    titles = [title.text for title in ET.fromstring(text).iter(f"{SVG}title")]
    assert titles == [f"graph {k}, class {name}" for k in range(30)]


MISSING = {
    "floats": [0.0, np.nan, 1.0, np.nan],
    "none": [0, None, 10, None],
    "texts": ["b", None, "a", float("nan")],
    "all": [None] * 4,
}


@pytest.mark.parametrize("kind", MISSING)
def test_points_without_a_class_are_drawn_as_such(kind) -> None:
    label = MISSING[kind] * 10
    xy = np.random.default_rng(0).normal(size=(40, 2))
    ax = plot.embedding_map(xy, label)
    drawn = {c.get_label(): len(c.get_offsets()) for c in ax.collections}
    listed = {"floats": ["0.0", "1.0"], "none": ["0", "10"], "texts": ["a", "b"], "all": []}[kind]
    each = {f"class {name}": 10 for name in listed}
    assert drawn == each | {"no class": 40 - 10 * len(listed)}
    text = plot.svg(ax)
    assert text.count("<title>") == 40
    assert "<title>graph 1, no class</title>" in text
    assert "nan" not in text


def test_points_without_a_class_among_many_classes() -> None:
    y = [None if k % 5 == 0 else k % 30 for k in range(300)]
    ax = plot.embedding_map(np.random.default_rng(0).normal(size=(300, 2)), y)
    assert sum(len(c.get_offsets()) for c in ax.collections[:1]) == 300
    assert ax.get_xlabel().startswith("names: medians of")
    assert plot.svg(ax).count(", no class</title>") == 60


@pytest.mark.parametrize("count", [2, 4, 9, 16])
def test_long_names_of_classes_leave_room_for_the_map(count) -> None:
    long = [f"polycyclic aromatic hydrocarbon number {k}" for k in range(count)]
    xy = np.random.default_rng(0).normal(size=(160, 2))
    ax = plot.embedding_map(xy, [long[k % count] for k in range(160)])
    text = plot.svg(ax)
    assert f"class {long[0]}</title>" in text
    box, figure = ax.get_legend().get_window_extent(), ax.figure.bbox
    assert box.x0 >= 0
    assert box.x1 <= figure.width
    assert ax.get_position().width > 0.9
    told = [entry.get_text() for entry in ax.get_legend().get_texts()]
    assert len(told) == len(set(told)) == count
