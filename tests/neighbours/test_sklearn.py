"""scikit-learn: its own checks of our estimators, and their work among its tools."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import minigrad as mg
from tests.neighbours import need

sklearn = need("sklearn")
from sklearn.base import clone  # noqa: E402 - after the check that it is there
from sklearn.datasets import load_diabetes, load_iris  # noqa: E402
from sklearn.model_selection import GridSearchCV, cross_val_score  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402
from sklearn.utils.estimator_checks import parametrize_with_checks  # noqa: E402

from minigrad.training import Classifier, Regressor  # noqa: E402


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks([Classifier(epochs=60), Regressor(epochs=60)])
def test_scikit_learn_finds_the_estimator_complete(estimator, check):
    check(estimator)


def iris():
    x, y = load_iris(return_X_y=True)
    return x, np.array(["setosa", "versicolor", "virginica"])[y]


def test_pipeline_grid_search_cross_validation_and_pickle():
    x, y = iris()
    pipeline = make_pipeline(StandardScaler(), Classifier(epochs=20, random_state=0))
    assert cross_val_score(pipeline, x, y, cv=3).mean() > 0.9
    search = GridSearchCV(pipeline, {"classifier__hidden": [(4,), (8, 8)]}, cv=2)
    search.fit(x, y)
    assert search.best_score_ > 0.85
    again = pickle.loads(pickle.dumps(search.best_estimator_))
    np.testing.assert_array_equal(again.predict(x), search.predict(x))
    probabilities = search.predict_proba(x)
    np.testing.assert_allclose(probabilities.sum(1), 1)
    np.testing.assert_allclose(search.predict_log_proba(x), np.log(probabilities), atol=1e-12)
    assert set(search.predict(x)) <= set(y)


def test_equal_seeds_give_equal_networks_and_the_common_generator_stays():
    x, y = iris()
    state = mg.get_rng_state()
    first, second = (Classifier(epochs=3, random_state=7).fit(x, y) for _ in range(2))
    assert mg.get_rng_state() == state
    np.testing.assert_array_equal(first.predict_proba(x), second.predict_proba(x))
    other = Classifier(epochs=3, random_state=8).fit(x, y)
    assert not np.array_equal(first.predict_proba(x), other.predict_proba(x))


def test_own_modules_optimizers_and_early_stopping():
    x, y = iris()
    model = Classifier(
        module=lambda n, m: mg.nn.Sequential(mg.nn.Linear(n, 6), mg.nn.Tanh(), mg.nn.Linear(6, m)),
        optimizer=lambda parameters: mg.optim.Adam(parameters, lr=0.02),
        epochs=200, patience=3, random_state=0,
    ).fit(x, y)  # fmt: skip
    assert isinstance(model.module_[1], mg.nn.Tanh)
    assert len(model.history_["val_loss"]) < 200
    assert model.score(x, y) > 0.9
    with pytest.raises(ValueError, match="optimizer is one of adam, adamw, sgd, rmsprop"):
        clone(model).set_params(optimizer="newton").fit(x, y)


def test_regression_of_one_number_and_of_several():
    x, y = load_diabetes(return_X_y=True)
    y = (y - y.mean()) / y.std()
    model = make_pipeline(StandardScaler(), Regressor((16,), epochs=30, random_state=0))
    assert model.fit(x, y).score(x, y) > 0.4
    assert model.predict(x).shape == y.shape
    both = np.stack([y, -y], 1)
    assert model.fit(x, both).predict(x).shape == both.shape
    assert model.score(x, both) > 0.4
