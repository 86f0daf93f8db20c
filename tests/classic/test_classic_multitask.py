"""The multi-task classifier: right minima, zero groups, views, scikit-learn's interface."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize as scipy_minimize
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Ridge
from sklearn.utils.estimator_checks import check_estimator

from onebody.classic.graph import laplacian, mean_graph, nearest_classes, stated_graph, weight_graph
from onebody.classic.multitask import GraphRegularizedMultiTaskClassifier

CHAIN = np.array([[0, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 1], [0, 0, 1, 0]], float)
LOSSES = pytest.mark.parametrize("loss", ["squared", "logistic"])


def problem(rows=60, features=12, classes=4, seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(rows) % classes
    centers = rng.normal(0, 1, (classes, features))
    return centers[y] + rng.normal(0, 1.0, (rows, features)) + 0.5, y


def model(**settings_):
    plain = {"ridge": 0.05, "graph_strength": 0.0, "graph": CHAIN, "tol": 1e-9, "max_iter": 50_000}
    return GraphRegularizedMultiTaskClassifier(**{**plain, **settings_})


def test_passes_the_checks_of_scikit_learn():
    for loss in ("squared", "logistic"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = check_estimator(
                GraphRegularizedMultiTaskClassifier(loss=loss), on_skip=None, on_fail=None
            )
        assert {one["check_name"] for one in found if one["status"] == "failed"} == set()
        skipped = {one["check_name"] for one in found if one["status"] == "skipped"}
        # Only what needs settings or libraries (array API, pandas) that are not there.
        assert skipped <= {"check_array_api_input", "check_classifier_data_not_an_array"}


@pytest.mark.parametrize("intercept", [True, False])
def test_without_other_penalties_it_is_ridge_regression(intercept):
    x, y = problem()
    found = model(fit_intercept=intercept).fit(x, y)
    exact = Ridge(alpha=0.05 * len(x), fit_intercept=intercept).fit(x, 2.0 * np.eye(4)[y] - 1)
    np.testing.assert_allclose(found.coef_, exact.coef_, atol=1e-7)
    np.testing.assert_allclose(found.intercept_[0], exact.intercept_, atol=1e-7)
    np.testing.assert_allclose(found.decision_function(x), exact.predict(x), atol=1e-6)


def written_out(loss, x, y, ridge, strength, graph):
    """Return the objective of weights and intercepts as one would write it on paper."""
    targets = 2.0 * np.eye(len(graph))[y] - 1

    def value(flat):
        weights, offsets = flat[: -len(graph)].reshape(len(graph), -1), flat[-len(graph) :]
        scores = x @ weights.T + offsets
        if loss == "squared":
            total = ((targets - scores) ** 2).sum() / (2 * len(x))
        else:
            total = np.logaddexp(0, -targets * scores).sum() / len(x)
        total += ridge / 2 * (weights**2).sum()
        for i in range(len(graph)):
            for j in range(i):
                total += strength / 2 * graph[i, j] * ((weights[i] - weights[j]) ** 2).sum()
        return total

    return value


@LOSSES
def test_with_the_graph_it_is_the_minimum_that_another_solver_finds(loss):
    x, y = problem(rows=40, features=5)
    found = model(loss=loss, graph_strength=0.3).fit(x, y)
    value = written_out(loss, x, y, 0.05, 0.3, CHAIN)
    exact = scipy_minimize(
        value,
        np.zeros(4 * 6),
        method="L-BFGS-B",
        options={"maxfun": 10**6, "ftol": 1e-15, "gtol": 1e-9},
    )
    own = np.concatenate([found.coef_.ravel(), found.intercept_[0]])
    assert value(own) <= exact.fun + 1e-10
    np.testing.assert_allclose(own, exact.x, atol=2e-4)
    assert found.objective_[-1] == pytest.approx(value(own), rel=1e-9)


def test_the_graph_draws_related_actions_together_and_no_others():
    x, y = problem()
    graph = np.zeros((4, 4))
    graph[0, 1] = graph[1, 0] = 1.0
    weights = [model(graph=graph, graph_strength=s).fit(x, y).coef_ for s in (0.0, 1e3)]
    assert np.linalg.norm(weights[0][0] - weights[0][1]) > 0.1
    assert np.linalg.norm(weights[1][0] - weights[1][1]) < 1e-2
    np.testing.assert_allclose(weights[1][2:], weights[0][2:], atol=1e-6)


@LOSSES
def test_large_group_penalties_give_exact_zeros(loss):
    x, y = problem()
    groups = np.repeat([0, 1, 2], 4)
    x[:, 8:] = np.random.default_rng(9).normal(0, 1, (60, 4))  # tells nothing
    most = model(loss=loss, groups=groups).largest_sparsity(x, y)
    above = model(loss=loss, groups=groups, sparsity=1.001 * most).fit(x, y)
    assert (above.coef_ == 0).all()
    below = model(loss=loss, groups=groups, sparsity=0.9 * most).fit(x, y)
    assert (below.coef_ != 0).any()
    middle = model(loss=loss, groups=groups, sparsity=0.4 * most).fit(x, y)
    used = [bool((middle.coef_[:, groups == g] != 0).any()) for g in range(3)]
    assert used == [True, True, False]
    assert (middle.coef_[:, groups == 0] != 0).all()  # a group is in or out as a whole


def test_the_minimum_is_where_the_subgradient_is_zero():
    x, y = problem()
    groups, sparsity = np.repeat([0, 1, 2], 4), 0.05
    found = model(groups=groups, sparsity=sparsity, graph_strength=0.1).fit(x, y)
    w = found.coef_.T
    targets = 2.0 * np.eye(4)[y] - 1
    gap = x @ w + found.intercept_ - targets
    slope = x.T @ gap / len(x) + 0.05 * w + 0.1 * w @ laplacian(CHAIN)
    for g in range(3):
        own = groups == g
        length = np.linalg.norm(w[own])
        if length:
            np.testing.assert_allclose(slope[own], -sparsity * 2 * w[own] / length, atol=1e-6)
        else:
            assert np.linalg.norm(slope[own]) <= sparsity * 2 + 1e-9


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    loss=st.sampled_from(["squared", "logistic"]),
    views=st.integers(1, 3),
    ridge=st.floats(0, 1),
    graph=st.floats(0, 5),
    sparsity=st.floats(0, 0.2),
)
def test_the_objective_never_rises(seed, loss, views, ridge, graph, sparsity):
    x, y = problem(rows=36, features=6, seed=seed)
    which = np.arange(36) // 4 % views
    found = GraphRegularizedMultiTaskClassifier(
        loss, ridge, graph, sparsity, max_iter=60, tol=1e-12
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        found.fit(x, y, views=which)
    assert (np.diff(found.objective_) <= 1e-12).all()
    assert np.isfinite(found.objective_).all()


def test_classes_in_another_order_are_the_same_problem():
    x, y = problem()
    order = np.array([2, 0, 3, 1])
    plain = model(graph_strength=0.2, sparsity=0.02).fit(x, y)
    moved = model(graph_strength=0.2, sparsity=0.02, graph=CHAIN[order][:, order])
    moved.fit(x, np.argsort(order)[y])
    np.testing.assert_allclose(moved.coef_, plain.coef_[order], atol=1e-6)
    np.testing.assert_array_equal(order[moved.predict(x)], plain.predict(x))


def test_a_warm_start_goes_on_where_it_was():
    x, y = problem()
    first = model(warm_start=True, sparsity=0.02).fit(x, y)
    cold = first.n_iter_
    assert first.fit(x, y).n_iter_ < cold / 5
    first.set_params(sparsity=0.021).fit(x, y)
    exact = model(sparsity=0.021).fit(x, y)
    np.testing.assert_allclose(first.coef_, exact.coef_, atol=1e-5)


def test_too_few_steps_are_told():
    x, y = problem()
    with pytest.warns(ConvergenceWarning, match="Not converged after 2 steps"):
        model(max_iter=2).fit(x, y)


class TestViews:
    x, y = problem(rows=90)
    views = np.repeat(["front", "left", "right"], 30)

    def test_a_strong_penalty_leaves_the_shared_part_alone(self):
        found = model(private=1e4, tol=1e-7).fit(self.x, self.y, views=self.views)
        assert found.views_.tolist() == ["front", "left", "right"]
        assert np.abs(found.private_).max() < 1e-4
        means = [self.x[self.views == v].mean(axis=0) for v in found.views_]
        centered = self.x - np.repeat(means, 30, axis=0)
        targets = 2.0 * np.eye(4)[self.y] - 1
        aims = [targets[self.views == v].mean(axis=0) for v in found.views_]
        exact = Ridge(alpha=0.05 * 90, fit_intercept=False)
        exact.fit(centered, targets - np.repeat(aims, 30, axis=0))
        np.testing.assert_allclose(found.coef_, exact.coef_, atol=1e-3)

    def test_without_a_shared_part_views_are_apart(self):
        found = model(ridge=1e4, private=0.05, tol=1e-7).fit(self.x, self.y, views=self.views)
        for place, view in enumerate(found.views_):
            rows = self.views == view
            targets = 2.0 * np.eye(4)[self.y[rows]] - 1
            exact = Ridge(alpha=0.05 * 90).fit(self.x[rows], targets)  # its loss is a third of all
            np.testing.assert_allclose(found.private_[place], exact.coef_, atol=1e-3)
            np.testing.assert_allclose(
                found.decision_function(self.x[rows], self.views[rows]),
                exact.predict(self.x[rows]),
                atol=1e-2,
            )

    def test_rows_are_scored_by_their_view(self):
        found = model(private=0.01).fit(self.x, self.y, views=self.views)
        one, other = (
            found.decision_function(self.x[:5], np.repeat(v, 5)) for v in found.views_[:2]
        )
        assert np.abs(one - other).max() > 1e-3
        mixed = found.decision_function(self.x[:2], found.views_[:2])
        np.testing.assert_allclose(mixed, [one[0], other[1]])

    def test_private_parts_become_zero_by_groups(self):
        groups = np.repeat([0, 1, 2], 4)
        found = model(private=0.5, groups=groups, sparsity=0.1, tol=1e-6).fit(
            self.x, self.y, views=self.views
        )
        zero = (found.private_.reshape(3, 4, 3, 4) == 0).all(axis=(1, 3))
        some = (found.private_.reshape(3, 4, 3, 4) != 0).all(axis=(1, 3))
        assert (zero | some).all()
        assert zero.any()

    def test_unknown_views_are_refused(self):
        found = model().fit(self.x, self.y, views=self.views)
        with pytest.raises(ValueError, match=r"one of front, left, right .* found none"):
            found.predict(self.x)
        with pytest.raises(ValueError, match="found \\['top'\\]"):
            found.predict(self.x[:2], views=["top", "top"])
        with pytest.raises(ValueError, match="one for each of 90 rows"):
            model().fit(self.x, self.y, views=["front"])


class TestGraphs:
    def test_alike_classes_are_related(self):
        rng = np.random.default_rng(0)
        base = rng.normal(0, 1, (2, 30))
        centers = np.concatenate([base, base + 0.2 * rng.normal(0, 1, (2, 30))])
        y = np.arange(80) % 4
        x = centers[y] + 0.1 * rng.normal(0, 1, (80, 30))
        for made in (mean_graph, weight_graph):
            found = made(x, y, 4, 1)
            np.testing.assert_array_equal(found, found.T)
            assert (np.diag(found) == 0).all()
            assert (found >= 0).all()
        found = mean_graph(x, y, 4, 1)
        assert found[0, 2] > 0.8
        assert found[1, 3] > 0.8
        assert found[0, 1] == found[2, 3] == 0

    def test_edges_are_those_that_either_end_asks_for(self):
        profiles = np.array([[3.0, 0, 0], [2.9, 0.5, 0], [2.0, 2.0, 0], [0, 0, 1]])
        found = nearest_classes(profiles, 1)
        assert (found[0, 1] > 0, found[1, 2] > 0, found[0, 2]) == (True, True, 0)
        assert (found[3] == 0).all()  # it correlates with none
        assert (nearest_classes(profiles, 0)[0, :3] > 0).tolist() == [False, True, True]

    def test_laplacian_is_the_sum_over_edges(self):
        w = np.random.default_rng(1).normal(0, 1, (7, 4))
        pairs = [(0, 1), (1, 2), (2, 3)]
        total = sum(((w[:, i] - w[:, j]) ** 2).sum() for i, j in pairs)
        assert np.trace(w @ laplacian(CHAIN) @ w.T) == pytest.approx(total)

    def test_stated_graphs(self):
        names = ("walk", "run", "sit", "lie")
        found = stated_graph([("walk", "run"), ("run", "sit"), ("sit", "lie")], names)
        np.testing.assert_array_equal(found, CHAIN)
        with pytest.raises(ValueError, match=r"pairs of different classes .* \['walk', 'fly'\]"):
            stated_graph([("walk", "fly")], names)

    @pytest.mark.parametrize(
        ("graph", "message"),
        [
            ("friends", "'means', 'weights' or a matrix"),
            (np.zeros((3, 3)), r"weights \[4, 4\]"),
            (np.triu(CHAIN), "symmetric"),
            (-CHAIN, "0 or more"),
        ],
    )
    def test_wrong_graphs_are_refused(self, graph, message):
        with pytest.raises(ValueError, match=message):
            model(graph=graph).fit(*problem())


@pytest.mark.parametrize(
    ("settings_", "message"),
    [
        ({"loss": "hinge"}, "'squared' or 'logistic', found 'hinge'"),
        ({"ridge": -1.0}, "ridge: expected 0 or more"),
        ({"sparsity": float("nan")}, "sparsity: expected 0 or more"),
        ({"groups": np.zeros(3)}, "one for each of 12 features"),
    ],
)
def test_wrong_settings_are_refused(settings_, message):
    with pytest.raises(ValueError, match=message):
        model(**settings_).fit(*problem())
