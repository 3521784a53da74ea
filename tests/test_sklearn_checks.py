"""Scikit-learn's own estimator checks, and what its tools do with a model."""

import copy
import io

import joblib
import networkx as nx
import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks
from torch_geometric.data import Data

from graph_hcl import GraphContrast
from graph_hcl.augment import EdgeDrop

SMALL = {"epochs": 1, "hidden": 4, "layers": 1}
GRAPHS = [nx.cycle_graph(n) for n in range(4, 16)] + [nx.star_graph(n) for n in range(4, 16)]
LABELS = ["ring"] * 12 + ["star"] * 12


def as_graphs(rows) -> list[Data]:
    """Return a graph of two nodes for each row of numbers, which are the features of both."""
    pair = torch.tensor([[0, 1], [1, 0]])
    features = [torch.tensor(np.asarray([row, row], dtype=float)).float() for row in np.array(rows)]
    return [Data(x=x, edge_index=pair) for x in features]


class OfRows(GraphContrast):
    """The model fed with the matrices of scikit-learn's checks, a graph for each row."""

    def fit(self, X, y=None):
        return super().fit(as_graphs(X), y)

    def fit_transform(self, X, y=None):
        return super().fit_transform(as_graphs(X), y)

    def transform(self, X):
        return super().transform(as_graphs(X))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True  # or scikit-learn would skip nearly all checks
        return tags


GRAPHS_ARE_NO_ARRAYS = "graphs are no arrays, so their messages do not speak of sparse ones"
DO_NOT_APPLY = {
    "check_estimator_sparse_tag": GRAPHS_ARE_NO_ARRAYS,
    "check_estimator_sparse_array": GRAPHS_ARE_NO_ARRAYS,
    "check_estimator_sparse_matrix": GRAPHS_ARE_NO_ARRAYS,
    "check_array_api_input": "graphs are no arrays of another library",
}
"""Checks of what an array X must be, by name, with the reason why graphs do not follow them.

Of those that scikit-learn does not run by itself, `check_n_features_in` does not apply, because
graphs have no columns, `check_param_validation`, because it is for scikit-learn's private
declarations of parameters, nor `check_complex_data`, `check_estimators_nan_inf` and
`check_estimators_empty_data_messages`, which are about the wording for arrays.
"""


@parametrize_with_checks(
    [OfRows(**SMALL)], expected_failed_checks=lambda estimator: DO_NOT_APPLY, legacy=True
)
def test_scikit_learns_checks(estimator, check) -> None:
    check(estimator)


@pytest.mark.parametrize(
    "name",
    [
        "check_set_output_transform",
        "check_set_output_transform_pandas",
        "check_global_output_transform_pandas",
        "check_transformer_get_feature_names_out",
        "check_transformer_get_feature_names_out_pandas",
        "check_dataframe_column_names_consistency",
        "check_transformer_data_not_an_array",
        "check_requires_y_none",
        "check_fit1d",
    ],
)
def test_checks_that_it_runs_on_its_own_estimators(name: str) -> None:
    getattr(estimator_checks, name)("OfRows", OfRows(**SMALL))


@pytest.mark.parametrize(
    "name",
    [
        "check_estimator_cloneable",
        "check_estimator_tags_renamed",
        "check_valid_tag_types",
        "check_estimator_repr",
        "check_no_attributes_set_in_init",
        "check_mixin_order",
        "check_do_not_raise_errors_in_init_or_set_params",
        "check_parameters_default_constructible",
        "check_get_params_invariance",
        "check_set_params",
    ],
)
def test_checks_without_data_hold_of_the_model_itself(name: str) -> None:
    getattr(estimator_checks, name)("GraphContrast", GraphContrast())


def test_fit_leaves_the_arguments_as_they_are() -> None:
    given = {
        "views": [EdgeDrop(0.2), "identity"],
        "settings": {"encoder.norm": None, "encoder.options": {"eps": 0.5}},
        "callbacks": [],
        "random_state": np.random.RandomState(0),
    }
    model = GraphContrast(**given, **SMALL)
    before = copy.deepcopy(given)
    model.fit(GRAPHS)
    for name, value in given.items():
        assert model.get_params(deep=False)[name] is value
    assert before["settings"] == given["settings"]
    assert [repr(view) for view in before["views"]] == [repr(view) for view in given["views"]]
    assert given["callbacks"] == []


@pytest.mark.parametrize("is_fitted", [False, True])
def test_joblib_carries_a_model(is_fitted: bool) -> None:
    model = GraphContrast(**SMALL, random_state=0)
    expected = copy.deepcopy(model).fit_transform(GRAPHS)
    file = io.BytesIO()
    joblib.dump(model.fit(GRAPHS) if is_fitted else model, file)
    file.seek(0)
    again = joblib.load(file)
    assert np.array_equal((again if is_fitted else again.fit(GRAPHS)).transform(GRAPHS), expected)


@pytest.mark.parametrize("jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
@pytest.mark.filterwarnings("ignore:.*never saw the value")
def test_a_search_over_beta_in_a_pipeline(jobs: int) -> None:
    pipeline = make_pipeline(GraphContrast(**SMALL, random_state=0), LogisticRegression())
    search = GridSearchCV(
        pipeline, {"graphcontrast__beta": [0.0, 2.0]}, cv=StratifiedKFold(2), n_jobs=jobs
    )
    search.fit(GRAPHS, LABELS)
    scores = search.cv_results_["mean_test_score"]
    assert np.isfinite(scores).all()
    assert search.predict(GRAPHS).shape == (24,)
    trained = search.best_estimator_.named_steps["graphcontrast"]
    assert trained.config_.beta == search.best_params_["graphcontrast__beta"]


@pytest.mark.filterwarnings("ignore:.*never saw the value")
def test_groups_reach_the_folds_of_scikit_learn() -> None:
    pipeline = make_pipeline(GraphContrast(**SMALL, random_state=0), LogisticRegression())
    groups = [n % 4 for n in range(12)] * 2
    scores = cross_val_score(pipeline, GRAPHS, LABELS, groups=groups, cv=GroupKFold(4))
    assert scores.shape == (4,)
