"""Schedulers: their closed forms, their state, and what they refuse."""

import copy
import math

import numpy as np
import pytest

import minigrad as mg
from minigrad.optim import lr_scheduler as lrs

# name, options, and the learning rate at time t as a multiple of the first
CLOSED = [
    ("StepLR", {"step_size": 4, "gamma": 0.5}, lambda t: 0.5 ** (t // 4)),
    ("MultiStepLR", {"milestones": [2, 7], "gamma": 0.1}, lambda t: 0.1 ** ((t >= 2) + (t >= 7))),
    ("ConstantLR", {"factor": 0.5, "total_iters": 3}, lambda t: 0.5 if t < 3 else 1.0),
    ("LinearLR", {"start_factor": 0.2, "total_iters": 8}, lambda t: 0.2 + 0.8 * min(t, 8) / 8),
    ("ExponentialLR", {"gamma": 0.9}, lambda t: 0.9**t),
    ("PolynomialLR", {"total_iters": 9, "power": 2}, lambda t: (1 - min(t, 9) / 9) ** 2),
    ("CosineAnnealingLR", {"T_max": 6}, lambda t: (1 + math.cos(math.pi * t / 6)) / 2),
    (
        "CosineAnnealingWarmRestarts",
        {"T_0": 5},
        lambda t: (1 + math.cos(math.pi * (t % 5) / 5)) / 2,
    ),
    ("LambdaLR", {"lr_lambda": lambda t: 1 / (1 + t)}, lambda t: 1 / (1 + t)),
]


def optimizer_of(kind="SGD", **options):
    p = mg.tensor([1.0], requires_grad=True)
    return getattr(mg.optim, kind)([p], **{"lr": 0.3, **options})


@pytest.mark.parametrize(("name", "options", "factor"), CLOSED)
def test_closed_form(name, options, factor):
    optimizer = optimizer_of()
    scheduler = getattr(lrs, name)(optimizer, **options)
    for t in range(30):
        assert optimizer.param_groups[0]["lr"] == pytest.approx(
            0.3 * factor(t), rel=1e-9, abs=1e-15
        )
        optimizer.step()
        scheduler.step()


def one_cycle(optimizer):
    return lrs.OneCycleLR(optimizer, max_lr=1.0, total_steps=40)


def sequence(optimizer):
    parts = [lrs.LinearLR(optimizer, 0.1), lrs.CosineAnnealingLR(optimizer, 7)]
    return lrs.SequentialLR(optimizer, parts, milestones=[5])


MAKERS = [
    *[
        pytest.param(lambda o, n=name, k=options: getattr(lrs, n)(o, **k), id=name)
        for name, options, _ in CLOSED
    ],
    pytest.param(one_cycle, id="OneCycleLR"),
    pytest.param(sequence, id="SequentialLR"),
]


@pytest.mark.parametrize("make", MAKERS)
def test_state_dict_continues_exactly(make):
    def rates(optimizer, scheduler, number):
        found = []
        for _ in range(number):
            optimizer.step()
            scheduler.step()
            found.append((optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["momentum"]))
        return found

    optimizer = optimizer_of(momentum=0.9)
    scheduler = make(optimizer)
    rates(optimizer, scheduler, 8)
    saved = copy.deepcopy((optimizer.state_dict(), scheduler.state_dict()))
    expected = rates(optimizer, scheduler, 12)
    optimizer = optimizer_of(momentum=0.9)
    scheduler = make(optimizer)
    optimizer.load_state_dict(saved[0])
    scheduler.load_state_dict(saved[1])
    assert rates(optimizer, scheduler, 12) == expected
    assert scheduler.get_last_lr() == [expected[-1][0]]


@pytest.mark.parametrize("make", MAKERS)
def test_state_dict_can_be_saved(make, tmp_path):
    scheduler = make(optimizer_of(momentum=0.9))
    mg.save(scheduler.state_dict(), tmp_path / "scheduler.npz")
    assert mg.load(tmp_path / "scheduler.npz") == scheduler.state_dict()


def test_one_cycle_moves_the_first_beta():
    optimizer = optimizer_of("Adam")
    scheduler = lrs.OneCycleLR(optimizer, max_lr=1.0, total_steps=10, anneal_strategy="linear")
    betas = []
    for _ in range(10):
        betas.append(optimizer.param_groups[0]["betas"])
        optimizer.step()
        scheduler.step()
    first = [b for b, _ in betas]
    assert first[0] == 0.95
    assert min(first) == pytest.approx(0.85)
    assert first[-1] == pytest.approx(0.95)
    assert {b for _, b in betas} == {0.999}


def test_one_cycle_ends():
    optimizer = optimizer_of(momentum=0.9)
    scheduler = lrs.OneCycleLR(optimizer, max_lr=1.0, total_steps=3)
    for _ in range(3):
        optimizer.step()
        scheduler.step()
    with pytest.raises(ValueError, match="total_steps"):
        scheduler.step()


@pytest.mark.parametrize("mode", ["min", "max"])
def test_plateau(mode):
    optimizer = optimizer_of(lr=1.0)
    scheduler = lrs.ReduceLROnPlateau(optimizer, mode=mode, factor=0.5, patience=2, cooldown=1)
    found = []
    for value in [5, 4, 3, 3, 3, 3, 3, 3, 3, 3, 1, 1]:
        scheduler.step(mg.tensor(float(value if mode == "min" else 10 - value)))
        found.append(scheduler.get_last_lr()[0])
    # three epochs without improvement, then one that is not counted
    np.testing.assert_array_equal(found, [1, 1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25])


def test_a_scheduler_that_comes_before_the_optimizer_warns():
    optimizer = optimizer_of()
    scheduler = lrs.ExponentialLR(optimizer, 0.5)
    with pytest.warns(UserWarning, match="first learning rate is skipped"):
        scheduler.step()


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("StepLR", {"step_size": 0}),
        ("ConstantLR", {"factor": 2.0}),
        ("LinearLR", {"start_factor": 0.0}),
        ("LinearLR", {"end_factor": 1.5}),
        ("CosineAnnealingLR", {"T_max": 0}),
        ("CosineAnnealingWarmRestarts", {"T_0": 0}),
        ("CosineAnnealingWarmRestarts", {"T_0": 2, "T_mult": 1.5}),
        ("OneCycleLR", {"max_lr": 1.0}),
        ("OneCycleLR", {"max_lr": 1.0, "total_steps": -1}),
        ("OneCycleLR", {"max_lr": 1.0, "total_steps": 5, "pct_start": 2.0}),
        ("OneCycleLR", {"max_lr": 1.0, "total_steps": 5, "anneal_strategy": "square"}),
        ("OneCycleLR", {"max_lr": [1.0, 2.0], "total_steps": 5}),
        ("LambdaLR", {"lr_lambda": [abs, abs]}),
        ("ReduceLROnPlateau", {"factor": 1.0}),
        ("ReduceLROnPlateau", {"mode": "low"}),
        ("ReduceLROnPlateau", {"threshold_mode": "none"}),
        ("ReduceLROnPlateau", {"min_lr": [0.1, 0.2]}),
        ("SequentialLR", {"schedulers": [], "milestones": []}),
    ],
)
def test_options_out_of_range(name, options):
    with pytest.raises(ValueError, match=name):
        getattr(lrs, name)(optimizer_of(momentum=0.9), **options)


def test_what_belongs_to_an_optimizer():
    optimizer = optimizer_of()
    with pytest.raises(TypeError, match="optimizer"):
        lrs.StepLR([0.1], 2)
    with pytest.raises(TypeError, match="optimizer"):
        lrs.ReduceLROnPlateau([0.1])
    with pytest.raises(ValueError, match="initial_lr"):
        lrs.StepLR(optimizer, 2, last_epoch=5)
    with pytest.raises(ValueError, match="momentum"):
        lrs.OneCycleLR(optimizer_of("Adagrad"), max_lr=1.0, total_steps=5)
    parts = [lrs.ExponentialLR(optimizer, 0.9), lrs.ExponentialLR(optimizer_of(), 0.9)]
    with pytest.raises(ValueError, match="milestones"):
        lrs.SequentialLR(optimizer, parts, milestones=[3, 5])
    with pytest.raises(ValueError, match="belong"):
        lrs.SequentialLR(optimizer, parts, milestones=[3])
