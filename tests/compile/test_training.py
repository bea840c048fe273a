"""Whole training steps: compiled equals eager, whatever changes between the calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.compile.capture import NotCompiled

F, nn = mg.nn.functional, mg.nn
rng = np.random.default_rng(0)
STEPS = 50
BATCHES = [mg.tensor(rng.standard_normal((8, 4)).astype(np.float32)) for _ in range(STEPS)]
LABELS = [mg.tensor(rng.integers(0, 3, 8)) for _ in range(STEPS)]

OPTIMIZERS: dict[str, tuple[str, dict[str, Any]]] = {
    "SGD": ("SGD", {"lr": 0.1}),
    "momentum": ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.1}),
    "nesterov": ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    "Adam": ("Adam", {"lr": 0.01}),
    "amsgrad": ("Adam", {"lr": 0.01, "amsgrad": True, "maximize": True}),
    "AdamW": ("AdamW", {"lr": 0.01}),
    "RAdam": ("RAdam", {"lr": 0.01}),
    "NAdam": ("NAdam", {"lr": 0.01}),
    "RMSprop": ("RMSprop", {"lr": 0.01, "momentum": 0.9, "centered": True}),
    "Lion": ("Lion", {"lr": 0.01}),
    "Adadelta": ("Adadelta", {}),
    "Adagrad": ("Adagrad", {"weight_decay": 0.1}),
    "Adamax": ("Adamax", {"lr": 0.01, "weight_decay": 0.01}),
    "Adam with decay": ("Adam", {"lr": 0.01, "weight_decay": 0.1}),
    "decoupled NAdam": ("NAdam", {"weight_decay": 0.1, "decoupled_weight_decay": True}),
    # these run after the program
    "ASGD": ("ASGD", {"lr": 0.1, "t0": 10, "weight_decay": 0.01}),
    "Adafactor": ("Adafactor", {"lr": 0.1}),
    "Muon": ("Muon", {"lr": 0.02}),
    "Rprop": ("Rprop", {}),
}


def two_layers() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))


def matrices() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 8, bias=False), nn.ReLU(), nn.Linear(8, 3, bias=False))


def with_state() -> nn.Module:
    return nn.Sequential(
        nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 3)
    )


Body = Callable[[Any, Any, Callable[[Any], Any]], list[float]]


def both(
    body: Body,
    make: Callable[[], nn.Module] = two_layers,
    optimizer: str = "momentum",
) -> Any:
    """Run `body` with and without the compiler: the same losses, parameters, state, gradients."""
    ends = []
    compiled: Any = None
    for compiler in (lambda f: f, mg.compile):
        mg.manual_seed(1)
        model = make()
        name, options = OPTIMIZERS[optimizer]
        steps = getattr(mg.optim, name)(model.parameters(), **options)
        made: list[Any] = []

        def note(function: Any, compiler: Any = compiler, made: Any = made) -> Any:
            made.append(compiler(function))
            return made[-1]

        losses = body(model, steps, note)
        tensors = [*model.parameters(), *model.buffers()]
        grads = [p.grad for p in model.parameters()]
        ends.append((losses, [t.detach().numpy().copy() for t in tensors], grads))
        compiled = made[0]
    (losses, values, grads), (found, found_values, found_grads) = ends
    np.testing.assert_array_equal(found, losses)
    for a, b in zip(found_values, values, strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(found_grads, grads, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            np.testing.assert_array_equal(a.numpy(), b.numpy())
    return compiled


def step_of(model: Any, optimizer: Any) -> Callable[..., Any]:
    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return step


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_and_a_learning_rate_that_changes(name):
    def body(model, optimizer, compiler):
        step = compiler(step_of(model, optimizer))
        scheduler = mg.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
        losses = []
        for x, y in zip(BATCHES, LABELS):
            losses.append(step(x, y).item())
            scheduler.step()
        return losses

    compiled = both(body, matrices if name == "Muon" else two_layers, name)
    assert len(compiled.programs) == (2 if name == "RAdam" else 1)


class Own(mg.optim.Optimizer):
    """A step as somebody writes it: state that is made at the first step, numbers that it reads."""

    def __init__(self, params, lr=0.1):
        super().__init__(params, {"lr": lr})

    def step(self, closure=None):
        with mg.no_grad():
            for group in self.param_groups:
                for p in group["params"]:
                    state = self.state[p]
                    if not state:
                        state["m"] = mg.zeros_like(p)
                        state["count"] = mg.tensor(0.0)
                    state["count"] += 1
                    state["m"].mul_(0.9).add_(p.grad)
                    p.sub_(state["m"] * (group["lr"] / state["count"].item()))


def test_an_optimizer_of_ones_own_and_one_after_another(monkeypatch):
    monkeypatch.setattr(mg.optim, "Own", Own, raising=False)
    monkeypatch.setitem(OPTIMIZERS, "own", ("Own", {"lr": 0.05}))

    def body(model, optimizer, compiler):
        decay = mg.optim.SGD(model.parameters(), lr=0.01, weight_decay=0.1)

        def step(x, y):
            decay.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            decay.step()
            optimizer.step()
            return {"loss": loss, "double": loss * 2}

        compiled = compiler(step)
        results = [compiled(x, y) for x, y in zip(BATCHES, LABELS)]
        return [value.item() for result in results for value in result.values()]

    compiled = both(body, optimizer="own")
    assert len(compiled.programs) == 1
    with pytest.raises(TypeError, match=r"Own.step reads numbers and runs after the program"):
        compiled.save("step.py")


def afterwards(change: str) -> Any:
    model = two_layers()
    rprop, sgd = mg.optim.Rprop(model.parameters()), mg.optim.SGD(model.parameters(), lr=0.1)

    def step(x, y):
        rprop.zero_grad()
        F.cross_entropy(model(x), y).backward()
        rprop.step()
        if change == "call":
            return model(x)
        if change == "zero_grad":
            rprop.zero_grad()
        if change == "sgd":
            sgd.step()
        return model[0].weight if change == "parameter" else None

    return step


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ("call", "linear .test_training.py, line \\d+. needs what it changed"),
        ("zero_grad", "call zero_grad before backward"),
        ("sgd", "step in the other order"),
        ("parameter", "return a clone"),
    ],
)
def test_what_cannot_follow_a_step_that_runs_after_the_program(change, text):
    with pytest.raises(NotCompiled, match=text):
        mg.compile(afterwards(change))(BATCHES[0], LABELS[0])


def test_a_step_with_a_closure_is_refused():
    model = two_layers()
    optimizer = mg.optim.Muon(matrices().parameters())
    with pytest.raises(RuntimeError, match="compile the closure"):
        mg.compile(lambda x: optimizer.step(lambda: model(x).sum()))(BATCHES[0])


@pytest.mark.parametrize("set_to_none", [True, False])
def test_gradients_accumulate_over_calls(set_to_none):
    def body(model, optimizer, compiler):
        def add(x, y):
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            return loss

        compiled, losses = compiler(add), []
        for i, (x, y) in enumerate(zip(BATCHES, LABELS)):
            losses.append(compiled(x, y).item())
            if i % 4 == 3:
                optimizer.step()
                optimizer.zero_grad(set_to_none)
        return losses

    both(body)


def test_state_loaded_memory_replaced_and_parameters_frozen():
    def body(model, optimizer, compiler):
        step, losses = compiler(step_of(model, optimizer)), []
        for i, (x, y) in enumerate(zip(BATCHES, LABELS)):
            losses.append(step(x, y).item())
            if i == 5:
                kept = {name: t.clone() for name, t in model.state_dict().items()}
            if i == 10:
                model.load_state_dict(kept)
            if i == 15:
                model[0].weight.data = model[0].weight.data.clone() * 1.5
            if i in (20, 25):
                model[0].requires_grad_(i == 25)
            if i == 30:
                optimizer.param_groups[0]["weight_decay"] = 0.01
            if i == 35:
                optimizer.param_groups[0]["momentum"] = 0.5
            if i == 40:
                losses.append(step_of(model, optimizer)(x, y).item())  # eager in between
        return losses

    both(body)


def test_gradients_that_somebody_holds_keep_their_numbers():
    def body(model, optimizer, compiler):
        step, held = compiler(step_of(model, optimizer)), []
        for x, y in zip(BATCHES, LABELS):
            step(x, y)
            held.append([p.grad for p in model.parameters()])
        return [float(g.sum()) for grads in held for g in grads]

    both(body)


@pytest.mark.parametrize("first", [1, 2, 3])
def test_gradients_that_are_held_while_the_parameters_have_none(first):
    """The leaf has let go of the gradient: what holds it is somebody else."""

    def body(model, optimizer, compiler):
        step, held = compiler(step_of(model, optimizer)), []
        for i, (x, y) in enumerate(zip(BATCHES[:6], LABELS)):
            step(x, y)
            if i + 1 == first:
                held = [p.grad for p in model.parameters()]
                optimizer.zero_grad()
        return [float(g.sum()) for g in held]

    both(body)


def test_the_memory_of_the_first_gradients_is_not_taken_from_its_owner():
    model = nn.Linear(300, 300)
    kept = []

    def step(x):
        model.zero_grad()
        h = model(x)
        h.square().sum().backward()
        if not kept:
            kept.append(model.weight.grad)
        return h

    compiled = mg.compile(step)
    compiled(mg.ones(2, 300))
    before = np.array(kept[0].numpy())
    for i in range(4):
        compiled(mg.full((2, 300), i / 2))
        model.weight.grad = model.weight.grad if i % 2 else None
    np.testing.assert_array_equal(kept[0].numpy(), before)


def test_modes_running_statistics_and_random_draws():
    def body(model, optimizer, compiler):
        step = compiler(step_of(model, optimizer))

        def evaluate(x, y):
            with mg.no_grad():
                return F.cross_entropy(model(x), y)

        evaluated, losses = compiler(evaluate), []
        for x, y in zip(BATCHES, LABELS):
            model.train()
            losses.append(step(x, y).item())
            model.eval()
            losses.append(evaluated(x, y).item())
        model.train()
        return losses

    compiled = both(body, with_state)
    assert len(compiled.programs) == 1


def test_shapes_and_python_values_have_programs_of_their_own():
    def body(model, optimizer, compiler):
        factor = 1.0

        def step(x, y, update=True):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x) * factor, y)
            loss.backward()
            if update:
                optimizer.step()
            return loss

        compiled, losses = compiler(step), []
        for i, (x, y) in enumerate(zip(BATCHES, LABELS)):
            rows = 8 if i % 5 else 5
            factor = 1.0 if i < 30 else 2.0
            losses.append(compiled(x[:rows], y[:rows], i % 2 == 0).item())
        return losses

    compiled = both(body)
    assert len(compiled.programs) == 8
    assert "shape (8, 4)" in " ".join([program.reason for program in compiled.programs])


def test_updates_by_hand_and_several_groups():
    def body(model, optimizer, compiler):
        groups = mg.optim.AdamW([
            {"params": model[0].parameters(), "lr": 0.01}, {"params": [model[2].weight], "lr": 0.1},
        ])  # fmt: skip

        def step(x, y):
            groups.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            groups.step()
            with mg.no_grad():
                model[2].bias -= 0.1 * model[2].bias.grad
            model[2].bias.grad = None
            return {"loss": loss, "right": (model(x).argmax(1) == y).float().mean()}

        compiled = compiler(step)
        results = [compiled(x, y) for x, y in zip(BATCHES, LABELS)]
        return [value.item() for result in results for value in result.values()]

    both(body)


MODELS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "conv": (
        lambda: nn.Sequential(
            nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
            nn.Linear(36, 3),
        ),
        (8, 1, 8, 8),
    ),
    "norm": (
        lambda: nn.Sequential(nn.Linear(4, 8), nn.LayerNorm(8), nn.GELU(), nn.Linear(8, 3)),
        (8, 4),
    ),
    "large": (
        lambda: nn.Sequential(nn.Linear(4, 300), nn.Tanh(), nn.Linear(300, 300), nn.Sigmoid(),
                              nn.Linear(300, 3)),
        (8, 4),
    ),
}  # fmt: skip


class Recurrent(nn.Module):
    def __init__(self, kind: str) -> None:
        super().__init__()
        self.cells = getattr(nn, kind)(4, 6, batch_first=True)
        self.head = nn.Linear(6, 3)

    def forward(self, x: Any) -> Any:
        return self.head(self.cells(x)[0][:, -1])


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.block = nn.TransformerEncoderLayer(4, 2, 8, dropout=0.1, batch_first=True)
        self.head = nn.Linear(4, 3)

    def forward(self, x: Any) -> Any:
        return self.head(self.block(x).mean(1))


MODELS["LSTM"] = (lambda: Recurrent("LSTM"), (8, 5, 4))
MODELS["GRU"] = (lambda: Recurrent("GRU"), (8, 5, 4))
MODELS["attention"] = (Attention, (8, 5, 4))


@pytest.mark.parametrize("name", MODELS)
def test_models(name):
    make, shape = MODELS[name]
    batches = [mg.tensor(rng.standard_normal(shape).astype(np.float32)) for _ in range(6)]
    ends = []
    for compiler in (lambda f: f, mg.compile):
        mg.manual_seed(0)
        model = make()
        optimizer = mg.optim.SGD(model.parameters(), lr=0.05)
        step = compiler(step_of(model, optimizer))
        losses = [step(x, LABELS[0]).item() for x in batches]
        ends.append((losses, [p.detach().numpy() for p in model.parameters()]))
    np.testing.assert_allclose(ends[1][0], ends[0][0], rtol=1e-5)
    for a, b in zip(ends[1][1], ends[0][1]):
        np.testing.assert_allclose(a, b, atol=1e-5 * np.abs(b).max() + 1e-7)
