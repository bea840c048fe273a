"""fit, its callbacks, lr_find, and the table of layers."""

import csv
import io
import subprocess
import sys
import time

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, training
from minigrad.nn.functional import cross_entropy, mse_loss
from minigrad.optim import lr_scheduler
from minigrad.training.callbacks import copied, monitored
from minigrad.training.progress import Progress
from minigrad.utils.data import DataLoader, TensorDataset


def problem(seed=0, n=60):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, 3)).astype(np.float32)
    y = (x @ np.array([1.0, -2.0, 0.5], np.float32) > 0).astype(np.int64)
    return TensorDataset(mg.tensor(x), mg.tensor(y))


def setup(seed=0):
    mg.manual_seed(seed)
    model = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 2))
    optimizer = mg.optim.Adam(model.parameters(), lr=0.02)
    generator = mg.Generator().manual_seed(seed)
    loader = DataLoader(problem(), 16, shuffle=True, generator=generator)
    return model, optimizer, loader


def weights(model):
    return [p.detach().numpy().copy() for p in model.parameters()]


def assert_equal(found, expected):
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_fit_is_the_plain_loop():
    model, optimizer, loader = setup()
    history = training.fit(model, cross_entropy, optimizer, loader, epochs=4, progress=False)
    fitted = weights(model)

    model, optimizer, loader = setup()
    losses = []
    for _ in range(4):
        total = 0.0
        for x, y in loader:
            optimizer.zero_grad()
            loss = cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(y)
        losses.append(total / 60)
    assert_equal(weights(model), fitted)
    assert history["loss"] == pytest.approx(losses)
    assert history["epoch"] == [1, 2, 3, 4]


def test_validation_and_metrics():
    model, optimizer, loader = setup()
    held_out = DataLoader(problem(1), 7)
    metrics = {"accuracy": training.accuracy}
    history = training.fit(
        model, cross_entropy, optimizer, loader, held_out,
        epochs=30, metrics=metrics, progress=False,
    )  # fmt: skip
    assert set(history) == {"epoch", "lr", "loss", "accuracy", "val_loss", "val_accuracy"}
    assert history["val_accuracy"][-1] > 0.85
    assert model.training
    x, y = problem(1).tensors
    model.eval()
    scores = model(x)
    assert history["val_loss"][-1] == pytest.approx(cross_entropy(scores, y).item(), rel=1e-5)
    assert history["val_accuracy"][-1] == pytest.approx(training.accuracy(scores, y))
    measured = training.evaluate(model, cross_entropy, held_out)
    assert not model.training
    assert measured["loss"] == pytest.approx(history["val_loss"][-1])


def test_a_scheduler_is_stepped_after_each_epoch():
    model, optimizer, loader = setup()
    scheduler = lr_scheduler.ExponentialLR(optimizer, 0.5)
    history = training.fit(
        model, cross_entropy, optimizer, loader, epochs=3, scheduler=scheduler, progress=False
    )
    assert history["lr"] == pytest.approx([0.02, 0.01, 0.005])
    scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, threshold=1e9)
    training.fit(
        model, cross_entropy, optimizer, loader, epochs=2, scheduler=scheduler, progress=False
    )
    assert scheduler.last_epoch == 2


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_stops_the_run(bad):
    model, optimizer, loader = setup()
    seen = []

    def loss(output, target):
        seen.append(weights(model))
        value = cross_entropy(output, target)
        return value * bad if len(seen) == 6 else value

    with pytest.raises(FloatingPointError, match=r"epoch 2, step 2, at learning rate 0\.02"):
        training.fit(model, loss, optimizer, loader, epochs=3, progress=False)
    assert_equal(weights(model), seen[-1])


class Stop(training.Callback):
    """Ends the run after some epochs, as a crash would."""

    def __init__(self, epoch):
        self.epoch = epoch

    def epoch_end(self, run):
        if run.epoch == self.epoch:
            raise KeyboardInterrupt


def run_to(epochs, path, crash=None):
    model, optimizer, loader = setup()
    scheduler = lr_scheduler.CosineAnnealingLR(optimizer, 10)
    stopping = training.EarlyStopping("loss", patience=100, restore_best=True)
    callbacks = [training.Checkpoint(path), stopping]
    if crash is not None:
        callbacks.append(Stop(crash))
    history = training.fit(
        model, cross_entropy, optimizer, loader,
        epochs=epochs, callbacks=callbacks, scheduler=scheduler, progress=False,
    )  # fmt: skip
    return history, weights(model), optimizer.state_dict()


@pytest.mark.parametrize("crash", [1, 2, 4])
def test_an_interrupted_run_goes_on_as_if_nothing_had_happened(crash, tmp_path):
    history, expected, state = run_to(6, tmp_path / "whole.npz")
    with pytest.raises(KeyboardInterrupt):
        run_to(6, tmp_path / "run.npz", crash)
    mg.rand(17)  # the common generator has moved on
    again, found, its_state = run_to(6, tmp_path / "run.npz")
    assert_equal(found, expected)
    assert again == history
    for number, entries in state["state"].items():
        for name, value in entries.items():
            np.testing.assert_array_equal(its_state["state"][number][name].numpy(), value.numpy())


KILLED = """
import sys, time, minigrad as mg
sys.path.insert(0, sys.argv[2])
import test_training as t
class Slow(mg.training.Callback):
    def epoch_end(self, run):
        print("what was before this epoch is kept", flush=True)
        time.sleep(0.01)
model, optimizer, loader = t.setup()
mg.training.fit(model, t.cross_entropy, optimizer, loader, epochs=20, progress=False,
                callbacks=[mg.training.Checkpoint(sys.argv[1]), Slow()])
"""


def test_a_run_that_is_killed_again_and_again(tmp_path):
    from pathlib import Path

    path = tmp_path / "run.npz"
    command = [sys.executable, "-c", KILLED, str(path), str(Path(__file__).parent)]
    rng, done = np.random.default_rng(0), [0]
    for epochs in (1, 3, 2, 1, 20):
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        # killed some time after so many epochs, however slow the machine is; the last one ends
        for _ in range(epochs + 1):
            process.stdout.readline()
        if epochs < 20:
            time.sleep(rng.uniform(0, 0.02))
            process.kill()
        process.wait()
        process.stdout.close()
        done.append(mg.load(path)["epoch"])
    assert (np.diff(done) >= [1, 3, 2, 1, 1]).all()
    assert done[-1] == 20
    model, optimizer, loader = setup()
    training.fit(model, cross_entropy, optimizer, loader, epochs=20, progress=False)
    kept = mg.load(path)["model"]
    assert_equal([kept[name].numpy() for name, _ in model.named_parameters()], weights(model))


def test_early_stopping():
    model, optimizer, loader = setup()
    values = iter([5.0, 4.0, 4.5, 3.99, 6.0, 1.0])
    best = []

    class Planted(training.Callback):
        def epoch_end(self, run):
            run.history["val_loss"] = [next(values)]
            if run.epoch == 2:
                best.extend(weights(run.model))

    stopping = training.EarlyStopping(patience=3, min_delta=0.1, restore_best=True)
    history = training.fit(
        model, cross_entropy, optimizer, loader,
        epochs=20, callbacks=[Planted(), stopping], progress=False,
    )  # fmt: skip
    assert len(history["epoch"]) == 5
    assert_equal(weights(model), best)


def test_the_best_checkpoint(tmp_path):
    model, optimizer, loader = setup()
    values = iter([0.5, 0.9, 0.7])

    class Planted(training.Callback):
        def epoch_end(self, run):
            run.history["score"] = [next(values)]

    checkpoint = training.Checkpoint(tmp_path / "best.npz", monitor="score", mode="max")
    training.fit(
        model, cross_entropy, optimizer, loader,
        epochs=3, callbacks=[checkpoint, Planted()], progress=False,
    )  # fmt: skip
    assert mg.load(tmp_path / "best.npz")["epoch"] == 2


def test_a_file_that_is_no_checkpoint(tmp_path):
    model, optimizer, loader = setup()
    mg.save(model.state_dict(), tmp_path / "model.npz")
    before = weights(model)
    with pytest.raises(ValueError, match="not a checkpoint"):
        training.fit(
            model, cross_entropy, optimizer, loader,
            callbacks=[training.Checkpoint(tmp_path / "model.npz")], progress=False,
        )  # fmt: skip
    assert_equal(weights(model), before)


# ------------------------------------------------------------------------------------------- output


@pytest.mark.parametrize(("epochs", "steps"), [(1, 100_000), (1000, 100), (100_000, 1)])
def test_a_log_file_stays_small(epochs, steps):
    file = io.StringIO()
    report = Progress(epochs, range(steps), file=file)
    for epoch in range(1, epochs + 1):
        for _ in range(steps):
            report.step(0.123456789)
        report.epoch(epoch, {"loss": 0.123456, "accuracy": 0.98, "val_loss": 1e-7})
    report.close()
    text = file.getvalue()
    assert 0 < len(text.encode()) < 50_000
    assert f"epoch {epochs}/{epochs}" in text.splitlines()[-1]


def test_a_bar_in_a_terminal():
    pytest.importorskip("tqdm")

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    file = Terminal()
    report = Progress(2, range(5), file=file)
    for epoch in (1, 2):
        for _ in range(5):
            report.step(0.5)
        report.epoch(epoch, {"loss": 0.25})
    report.close()
    assert "epoch 2/2  loss 0.25" in file.getvalue()
    assert "10/10" in file.getvalue()


def test_no_output(capsys):
    model, optimizer, loader = setup()
    training.fit(model, cross_entropy, optimizer, loader, progress=False)
    assert capsys.readouterr() == ("", "")
    training.fit(model, cross_entropy, optimizer, loader)
    assert capsys.readouterr().err.count("\n") == 1


def test_history(tmp_path):
    history = training.History()
    history.add(loss=1.0)
    history.add(loss=0.5, accuracy=0.75)
    history.add(accuracy=1.0)
    assert history == {"loss": [1.0, 0.5, None], "accuracy": [None, 0.75, 1.0]}
    history.to_csv(tmp_path / "history.csv")
    with open(tmp_path / "history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[1] == {"loss": "0.5", "accuracy": "0.75"}
    assert rows[2]["loss"] == ""


def test_plots():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    history = training.History(epoch=[1, 2], lr=[0.1, 0.1], loss=[1.0, 0.5], val_loss=[None, 2.0])
    axes = history.plot()
    assert [line.get_label() for line in axes.lines] == ["loss", "val_loss"]
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), [1.0, 0.5])
    assert axes.get_ylabel() == "loss"
    assert axes.get_title()
    found = training.LearningRates([1e-3, 1e-2, 1e-1], [3.0, 2.0, 2.5]).plot()
    np.testing.assert_array_equal(found.lines[0].get_ydata(), [3.0, 2.0, 2.5])
    matplotlib.pyplot.close("all")


@pytest.mark.parametrize("epochs", [1, 2, 40])
def test_a_metric_does_not_flatten_the_loss(epochs):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    history = training.History(
        epoch=list(range(1, epochs + 1)),
        loss=np.linspace(1, 0.5, epochs).tolist(),
        accuracy=np.linspace(50, 90, epochs).tolist(),
    )
    axes = history.plot()
    assert axes.get_ylim()[1] < 2
    right = axes.figure.axes[1]
    assert right.get_ylabel() == "accuracy"
    assert right.get_legend() is not None
    assert [text.get_text() for text in right.get_legend().get_texts()] == ["loss", "accuracy"]
    assert axes.lines[0].get_color() != right.lines[0].get_color()
    low, high = axes.get_xlim()
    ticks = [tick for tick in axes.get_xticks() if low <= tick <= high]
    assert ticks
    assert all(tick == round(tick) for tick in ticks)
    matplotlib.pyplot.close("all")


# ----------------------------------------------------------------------------------- learning rates


def test_lr_find_leaves_everything_as_it_was():
    model, optimizer, loader = setup()
    training.fit(model, cross_entropy, optimizer, loader, progress=False)
    before = weights(model)
    state = copied(optimizer.state_dict())
    drawn = mg.random.default_generator.get_state()
    found = training.lr_find(model, cross_entropy, optimizer, loader, steps=60)
    assert_equal(weights(model), before)
    assert optimizer.param_groups[0]["lr"] == state["param_groups"][0]["lr"]
    for p, entries in zip(model.parameters(), state["state"].values()):
        np.testing.assert_array_equal(
            optimizer.state[p]["exp_avg"].numpy(), entries["exp_avg"].numpy()
        )
        assert p.grad is None
    assert mg.random.default_generator.get_state() == drawn
    assert found.rates == sorted(found.rates)
    assert len(found.rates) == len(found.losses)


def test_lr_find_finds_where_the_loss_falls():
    x = mg.tensor(np.random.default_rng(0).standard_normal((64, 1)).astype(np.float32))
    model = nn.Linear(1, 1)
    with mg.no_grad():
        model.weight.fill_(5.0)
    optimizer = mg.optim.SGD(model.parameters(), lr=1.0)
    found = training.lr_find(model, mse_loss, optimizer, [(x, x * 0.0)], 1e-5, 10.0)
    assert 1e-3 < found.suggestion < 2.0
    assert found.rates[-1] < 10.0  # it stopped when the loss grew
    with pytest.raises(ValueError, match="lowest"):
        training.lr_find(model, mse_loss, optimizer, [(x, x)], 1.0, 0.1)
    with pytest.raises(ValueError, match="no batch"):
        training.lr_find(model, mse_loss, optimizer, [])


# ------------------------------------------------------------------------------------------- errors


def test_what_is_no_batch():
    model, optimizer, _ = setup()
    with pytest.raises(TypeError, match="tuple"):
        training.fit(model, cross_entropy, optimizer, [mg.ones(2, 3)], progress=False)
    with pytest.raises(ValueError, match="no batch"):
        training.fit(model, cross_entropy, optimizer, [], progress=False)
    with pytest.raises(KeyError, match="val_loss"):
        monitored("val_loss", training.History(loss=[1.0]))
    for callback in (training.EarlyStopping, training.Checkpoint):
        with pytest.raises(ValueError, match="mode"):
            callback("name", mode="least")
    with pytest.raises(ValueError, match=r"\(n, c\)"):
        training.accuracy(mg.ones(3), mg.ones(3))


# ------------------------------------------------------------------------------------------ summary


def test_summary_of_a_network():
    model = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Sequential(nn.Linear(6, 3)))
    model[2][0].bias.requires_grad_(False)
    found = mg.summary(model, (5, 4))
    assert [(r.name, r.layer, r.output, r.parameters) for r in found.rows] == [
        ("0", "Linear", (5, 6), 30),
        ("1", "Tanh", (5, 6), 0),
        ("2.0", "Linear", (5, 3), 21),
    ]
    assert (found.parameters, found.trainable) == (51, 48)
    # x for the first weight; the argument of tanh, and its result for the second weight
    assert found.kept == 4 * (5 * 4 + 5 * 6 + 5 * 6)
    assert [r.kept for r in found.rows] == [80, 120, 120]
    lines = str(found).splitlines()
    assert lines[0].split() == ["layer", "output", "shape", "parameters", "kept", "for", "backward"]
    assert lines[2].split() == ["0", "(Linear)", "(5,", "6)", "30", "80", "B"]
    assert "51 parameters, 3 of them fixed" in lines[-1]


def test_summary_changes_nothing():
    model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))
    mean = model[1].running_mean.numpy().copy()
    mg.summary(model, mg.ones(3, 4))
    np.testing.assert_array_equal(model[1].running_mean.numpy(), mean)
    assert model[1].num_batches_tracked.item() == 0
    model(mg.ones(3, 4))  # no hook is left


def test_shared_modules_are_counted_once():
    shared = nn.Linear(4, 4)
    found = mg.summary(nn.Sequential(shared, nn.ReLU(), shared), (2, 4))
    assert len(found.rows) == 3
    assert found.parameters == 20


def test_summary_of_a_model_that_fails():
    model = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(5, 3))
    with pytest.raises(RuntimeError) as caught:
        mg.summary(model, (2, 4))
    text = str(caught.value)
    assert "0 (Linear)" in text
    assert "1 (ReLU)" in text
    assert "\n2 (Linear) failed:" in text
    assert "the last axis of x has 6 features, a weight of shape (3, 5) takes 5" in text
    assert isinstance(caught.value.__cause__, ValueError)


def test_fit_refuses_arguments_of_another_kind():
    model = nn.Linear(1, 1)
    optimizer = mg.optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(TypeError, match="in this order; the optimizer is function"):
        mg.training.fit(model, optimizer, mg.nn.functional.mse_loss, [])
    with pytest.raises(TypeError, match=r"did you mean MSELoss\(\.\.\.\)"):
        mg.training.fit(model, nn.MSELoss, optimizer, [])
