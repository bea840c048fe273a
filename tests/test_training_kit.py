"""What stands around the loop: names, metrics, prediction, clipping, schedules, learning rates."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, training
from minigrad.nn import functional
from minigrad.optim import lr_scheduler
from minigrad.utils.data import DataLoader, TensorDataset


def classes(seed=0, n=60):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, 3)).astype(np.float32)
    return x, (x @ np.array([1.0, -2.0, 0.5], np.float32) > 0).astype(np.int64)


def network(seed=0, outputs=2):
    mg.manual_seed(seed)
    model = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, outputs))
    return model, mg.optim.Adam(model.parameters(), lr=0.02)


# -------------------------------------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("name", "function", "target"),
    [
        ("mse", functional.mse_loss, np.ones((4, 2), np.float32)),
        ("mae", functional.l1_loss, np.ones((4, 2), np.float32)),
        ("huber", functional.huber_loss, np.ones((4, 2), np.float32)),
        ("bce_with_logits", functional.binary_cross_entropy_with_logits, np.ones((4, 2), "f")),
        ("cross_entropy", functional.cross_entropy, np.array([0, 1, 1, 0])),
    ],
)
def test_a_loss_by_its_name(name, function, target):
    model, _ = network()
    data = [(mg.ones(4, 3), mg.tensor(target))]
    by_name = training.evaluate(model, name, data)
    assert by_name == training.evaluate(model, function, data)


def test_an_unknown_name_says_which_are_known():
    model, optimizer = network()
    with pytest.raises(ValueError, match='did you mean "cross_entropy"'):
        training.fit(model, "crossentropy", optimizer, classes())
    with pytest.raises(ValueError, match=r'no metric named "accurracy"; did you mean "accuracy"'):
        training.fit(model, "mse", optimizer, classes(), metrics="accurracy")
    with pytest.raises(ValueError, match="epoch"):
        training.fit(model, "mse", optimizer, classes(), scheduler_interval="batch")


@pytest.mark.parametrize(
    "metrics",
    ["accuracy", ["accuracy"], training.accuracy, {"accuracy": training.accuracy}],
    ids=["name", "names", "function", "mapping"],
)
def test_metrics_however_they_are_given(metrics):
    model, optimizer = network()
    history = training.fit(
        model, "cross_entropy", optimizer, classes(), classes(1),
        epochs=20, metrics=metrics, progress=False,
    )  # fmt: skip
    assert list(history) == ["epoch", "lr", "loss", "accuracy", "val_loss", "val_accuracy"]
    assert history["val_accuracy"][-1] > 0.8


def test_a_tuple_of_arrays_is_a_loader_of_them():
    x, y = classes()
    model, optimizer = network()
    training.fit(model, "cross_entropy", optimizer, (x, y), epochs=2, batch_size=16, progress=False)
    found = [p.tolist() for p in model.parameters()]
    model, optimizer = network()
    loader = DataLoader(TensorDataset(x, y), batch_size=16, shuffle=True)
    training.fit(model, "cross_entropy", optimizer, loader, epochs=2, progress=False)
    assert found == [p.tolist() for p in model.parameters()]


# ------------------------------------------------------------------------------------------ metrics


def test_confusion_matrix_counts_pairs():
    rng = np.random.default_rng(0)
    scores, target = rng.standard_normal((50, 4)), rng.integers(0, 4, 50)
    matrix = training.confusion_matrix(mg.tensor(scores), mg.tensor(target))
    for true in range(4):
        for given in range(4):
            count = sum(scores[i].argmax() == given and target[i] == true for i in range(50))
            assert matrix[true, given].item() == count
    assert matrix.sum().item() == 50
    trace = matrix.diagonal().sum().item() / 50
    assert trace == pytest.approx(training.accuracy(scores, target))
    assert training.confusion_matrix(scores[:0], target[:0]).tolist() == np.zeros((4, 4)).tolist()
    with pytest.raises(ValueError, match=r"0 \.\.\. 1, the target has"):
        training.confusion_matrix(np.array([0, 1]), np.array([0, 5]), classes=2)


def test_metrics_against_scikit_learn():
    measures = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(1)
    scores, target = rng.standard_normal((80, 3)), rng.integers(0, 3, 80)
    found = scores.argmax(1)
    expected = measures.f1_score(target, found, average="macro")
    assert training.f1(scores, target) == pytest.approx(expected)
    assert training.confusion_matrix(scores, target).tolist() == (
        measures.confusion_matrix(target, found).tolist()
    )
    a, b = rng.standard_normal((20, 2)), rng.standard_normal((20, 2))
    assert training.mae(a, b) == pytest.approx(measures.mean_absolute_error(b, a))
    assert training.mse(a, b) == pytest.approx(measures.mean_squared_error(b, a))
    one = b[:, :1]
    assert training.r2(a[:, :1], one) == pytest.approx(measures.r2_score(one, a[:, :1]))
    weights = training.class_weights(mg.tensor(target)).numpy()
    balanced = pytest.importorskip("sklearn.utils.class_weight").compute_class_weight(
        "balanced", classes=np.arange(3), y=target
    )
    np.testing.assert_allclose(weights, balanced, rtol=1e-6)


def test_a_metric_over_the_epoch_does_not_depend_on_the_batches():
    x, y = classes(n=50)
    model, _ = network()
    found = {}
    for size in (1, 7, 50):
        loader = DataLoader(TensorDataset(x, y), batch_size=size)
        found[size] = training.evaluate(model, "cross_entropy", loader, ["f1", "accuracy"])
    whole = training.f1(training.predict(model, x), y)
    for numbers in found.values():
        assert list(numbers) == ["loss", "f1", "accuracy"]
        assert numbers["f1"] == pytest.approx(whole)


@pytest.mark.parametrize("shape", [(6,), (6, 1)])
def test_accuracy_of_one_score_to_a_row(shape):
    scores = np.array([-1.0, 0.2, 0.7, -0.1, 3.0, 0.4]).reshape(shape)
    target = np.array([0, 1, 1, 1, 1, 0])
    assert training.binary_accuracy()(scores, target) == pytest.approx(4 / 6)
    assert training.binary_accuracy(0.5)(scores, target.reshape(shape)) == pytest.approx(4 / 6)
    with pytest.raises(ValueError, match=r"binary_accuracy"):
        training.accuracy(scores.reshape(-1), target)
    with pytest.raises(ValueError, match=r"\(n,\)"):
        training.binary_accuracy()(np.ones((6, 2)), target)


# ------------------------------------------------------------------------------------------ predict


def test_predict_is_the_model_in_evaluation():
    x, y = classes()
    model, _ = network()
    model[2].train()
    model[0].eval()
    expected = None
    for inputs in (x, mg.tensor(x), (x,), DataLoader(TensorDataset(x, y), 7), [(x, y)]):
        found = training.predict(model, inputs, batch_size=13)
        expected = found.numpy() if expected is None else expected
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5)
        assert not found.requires_grad
    assert model[2].training
    assert not model[0].training
    model.eval()
    np.testing.assert_allclose(model(mg.tensor(x)).detach().numpy(), expected, rtol=1e-5)
    with pytest.raises(ValueError, match="no batch"):
        training.predict(model, [])


def test_predict_of_several_inputs_and_results():
    class Both(nn.Module):
        def forward(self, a, b):
            return a + b, a[:, :1] * b[:, :1]

    a, b = np.arange(12.0).reshape(6, 2), np.ones((6, 2))
    total, product = training.predict(Both(), (a, b), batch_size=4)
    assert total.tolist() == (a + b).tolist()
    assert product.tolist() == (a[:, :1] * b[:, :1]).tolist()


# --------------------------------------------------------------------------- clipping and schedules


def test_clipping_bounds_each_update():
    x, y = classes()
    model, _ = network()
    rate, bound = 0.5, 0.01
    optimizer = mg.optim.SGD(model.parameters(), lr=rate)
    before = np.concatenate([p.detach().numpy().ravel() for p in model.parameters()])
    training.fit(
        model, "cross_entropy", optimizer, [(mg.tensor(x), mg.tensor(y))], clip_norm=bound,
        progress=False,
    )  # fmt: skip
    after = np.concatenate([p.detach().numpy().ravel() for p in model.parameters()])
    assert np.linalg.norm(after - before) == pytest.approx(rate * bound, rel=1e-3)


@pytest.mark.parametrize(("interval", "steps"), [("epoch", 3), ("step", 12)])
def test_a_scheduler_is_stepped_as_often_as_it_says(interval, steps):
    model, _ = network()
    optimizer = mg.optim.SGD(model.parameters(), lr=1.0)
    scheduler = lr_scheduler.ExponentialLR(optimizer, 0.5)
    training.fit(
        model, "cross_entropy", optimizer, classes(), epochs=3, batch_size=16, progress=False,
        scheduler=scheduler, scheduler_interval=interval,
    )  # fmt: skip
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.5**steps)


# ----------------------------------------------------------------------------------- learning rates


def test_a_suggestion_trains():
    x, y = classes(n=200)
    for make in (mg.optim.SGD, mg.optim.AdamW):
        losses = {}
        model, _ = network()
        optimizer = make(model.parameters(), lr=1.0)
        found = training.lr_find(model, "cross_entropy", optimizer, (x, y))
        for rate in (found.suggestion, found.suggestion / 1000):
            model, _ = network()
            history = training.fit(
                model, "cross_entropy", make(model.parameters(), lr=rate), (x, y), epochs=20,
                progress=False,
            )  # fmt: skip
            losses[rate] = history["loss"][-1]
        assert losses[found.suggestion] < 0.2 < losses[found.suggestion / 1000]


def test_where_no_rate_helps_there_is_no_suggestion():
    model, _ = network()
    other, optimizer = network(1)
    found = training.lr_find(model, "cross_entropy", optimizer, classes(), steps=16)
    with pytest.raises(ValueError, match="that of this model"):
        _ = found.suggestion
    assert sum(1 for _ in other.parameters()) == 4


def test_the_plot_marks_the_suggestion():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    axes = training.LearningRates([1e-3, 1e-2, 1e-1], [3.0, 2.0, 2.5], 3.0, 1e-2).plot()
    marks = [line for line in axes.lines if list(line.get_xdata()) == [1e-2, 1e-2]]
    assert len(marks) == 1
    assert "0.01" in marks[0].get_label()
    matplotlib.pyplot.close("all")


@pytest.mark.parametrize("make", [mg.optim.SGD, mg.optim.Adam])
def test_a_model_in_place_of_its_parameters(make):
    with pytest.raises(TypeError, match=rf"write {make.__name__}\(model\.parameters\(\), \.\.\.\)"):
        make(nn.Linear(2, 1), lr=0.1)
