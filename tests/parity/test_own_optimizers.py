"""Optimizers that are written as for PyTorch: a step, options in a dict, a state of one's own."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import minigrad as mg

torch = pytest.importorskip("torch")


def signs_with_memory(library):
    class SignsWithMemory(library.optim.Optimizer):
        def __init__(self, params, lr=0.1, decay=0.5):
            super().__init__(params, dict(lr=lr, decay=decay))  # noqa: C408 - as many write it

        @library.no_grad()
        def step(self, closure=None):
            loss = None
            if closure is not None:
                with library.enable_grad():
                    loss = closure()
            for group in self.param_groups:
                for p in group["params"]:
                    if p.grad is None:
                        continue
                    state = self.state[p]
                    if len(state) == 0:
                        state["step"] = 0
                        state["average"] = library.zeros_like(p)
                    state["step"] += 1
                    state["average"].mul_(group["decay"]).add_(p.grad, alpha=1 - group["decay"])
                    p.add_(library.sign(state["average"]), alpha=-group["lr"] / state["step"])
            return loss

    return SignsWithMemory


def plain(library):
    class Plain(library.optim.Optimizer):
        def __init__(self, params, lr):
            defaults = {"lr": lr}
            super(Plain, self).__init__(params, defaults)  # noqa: UP008 - as many write it

        def step(self):
            for group in self.param_groups:
                for p in group["params"]:
                    p.data -= group["lr"] * p.grad.data

    return Plain


def descend(library, make, steps, saved=None, scheduled=True):
    w = library.tensor([1.0, -2.0, 3.0], dtype=library.float64, requires_grad=True)
    frozen = library.tensor([1, 2, 3])
    optimizer = make(library)([{"params": [w]}, {"params": [frozen], "lr": 1.0}], lr=0.1)
    if saved is not None:
        with library.no_grad():
            w.copy_(library.tensor(saved[0]))
        optimizer.load_state_dict(saved[1])
    scheduler = library.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
    calls = []
    optimizer.register_step_pre_hook(lambda *args: calls.append("before"))
    optimizer.register_step_post_hook(lambda *args: calls.append("after"))
    for _ in range(steps):
        optimizer.zero_grad()
        ((w**2).sum() + w[0] * w[1]).backward()
        optimizer.step()
        if scheduled:
            scheduler.step()
    assert calls == ["before", "after"] * steps
    assert frozen.tolist() == [1, 2, 3]
    return w.tolist(), optimizer


def test_they_move_as_in_pytorch():
    make = signs_with_memory
    ours, optimizer = descend(mg, make, 4)
    theirs, other = descend(torch, make, 4)
    assert ours == pytest.approx(theirs, rel=1e-12)
    state, expected = optimizer.state_dict(), other.state_dict()
    assert list(state["state"]) == list(expected["state"]) == [0]
    assert state["state"][0]["step"] == 4
    np.testing.assert_allclose(
        state["state"][0]["average"].numpy(), expected["state"][0]["average"].numpy(), 1e-12
    )
    # and on from there, with what either library saved
    for saved in (state, expected):
        resumed, _ = descend(mg, make, 3, (ours, copy.deepcopy(saved)), scheduled=False)
        assert resumed == pytest.approx(
            descend(torch, make, 3, (theirs, copy.deepcopy(expected)), scheduled=False)[0]
        )


def test_the_simplest():
    for library in (mg, torch):
        w = library.tensor([1.0, -2.0], requires_grad=True)
        optimizer = plain(library)([w], 0.25)
        (w * w).sum().backward()
        optimizer.step()
        assert w.tolist() == [0.5, -1.0]
        assert repr(optimizer).replace(" ", "").startswith("Plain(\nParameterGroup0\nlr:0.25")


def test_a_step_may_call_that_of_its_base():
    for library in (mg, torch):

        class Clipped(library.optim.SGD):
            def step(self, closure=None):
                for group in self.param_groups:
                    library.nn.utils.clip_grad_value_(group["params"], 1.0)
                return super().step(closure)

        w = library.tensor([1.0, -0.25], requires_grad=True)
        optimizer = Clipped([w], lr=0.5, momentum=0.5)
        scheduler = library.optim.lr_scheduler.StepLR(optimizer, 1)
        calls = []
        optimizer.register_step_post_hook(lambda *args: calls.append(1))
        (w * w * 2).sum().backward()
        optimizer.step()
        scheduler.step()
        assert w.tolist() == [0.5, 0.25]
        # PyTorch calls it twice if an SGD was made anywhere before: it has wrapped both steps then
        assert len(calls) == 1 or library is torch


@pytest.mark.parametrize("library", [mg, torch])
def test_parameters_of_integers_are_left_alone(library):
    class Net(library.nn.Module):
        def __init__(self):
            super().__init__()
            self.mask = library.nn.Parameter(
                library.tensor([True, False, True]), requires_grad=False
            )
            self.steps = library.nn.Parameter(library.tensor(3), requires_grad=False)
            self.weight = library.nn.Parameter(library.ones(3))

        def forward(self, x):
            return (x * self.weight * self.mask).sum() * self.steps

    net = Net()
    optimizer = library.optim.Adam(net.parameters(), lr=0.5)
    for _ in range(2):
        optimizer.zero_grad()
        net(library.ones(3)).backward()
        optimizer.step()
    assert net.mask.tolist() == [True, False, True]
    assert net.steps.item() == 3
    assert net.weight.tolist() == pytest.approx([0.0, 1.0, 0.0], abs=1e-6)
    assert list(optimizer.state_dict()["state"]) == [2]
    again = Net()
    again.load_state_dict(net.state_dict())
    assert again.mask.dtype == net.mask.dtype


# ------------------------------------------------------------ switches, and schedulers of one's own


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta",
                                  "Adamax", "NAdam", "RAdam", "ASGD", "Rprop"])  # fmt: skip
def test_switches_that_change_no_result_are_taken(name):
    found = []
    for library in (torch, mg):
        p = library.tensor([1.0, -2.0], requires_grad=True)
        optimizer = getattr(library.optim, name)([p], lr=0.1, foreach=False, differentiable=False)
        (p * p).sum().backward()
        optimizer.step()
        found.append(p.detach().numpy())
    np.testing.assert_allclose(*found, 1e-5)
    with pytest.raises(NotImplementedError, match="not recorded"):
        getattr(mg.optim, name)([mg.ones(1, requires_grad=True)], lr=0.1, differentiable=True)
    with pytest.raises(TypeError):
        getattr(mg.optim, name)([mg.ones(1, requires_grad=True)], lr=0.1, forech=False)


def warm_up(library):
    class WarmUp(library.optim.lr_scheduler.LRScheduler):
        def __init__(self, optimizer, steps, last_epoch=-1):
            self.steps = steps
            super().__init__(optimizer, last_epoch)

        def get_lr(self):
            share = min(1, (self.last_epoch + 1) / self.steps)
            return [base * share for base in self.base_lrs]

    return lambda optimizer: WarmUp(optimizer, 3)


def halving(library):
    class Halving(library.optim.lr_scheduler._LRScheduler):
        def get_lr(self):
            factor = 0.5 if self.last_epoch else 1.0
            return [group["lr"] * factor for group in self.optimizer.param_groups]

    return Halving


def in_turn(library):
    def build(optimizer):
        parts = [warm_up(library)(optimizer), halving(library)(optimizer)]
        return library.optim.lr_scheduler.SequentialLR(optimizer, parts, [2])

    return build


@pytest.mark.filterwarnings("ignore:.*epoch parameter")
@pytest.mark.parametrize("build", [warm_up, halving, in_turn])
def test_schedulers_that_say_get_lr(build):
    found = []
    for library in (torch, mg):
        groups = [{"params": [library.ones(1, requires_grad=True)], "lr": lr} for lr in (1.0, 0.1)]
        optimizer = library.optim.SGD(groups, lr=1.0)
        scheduler = build(library)(optimizer)
        rates = [scheduler.get_last_lr()]
        for _ in range(5):
            optimizer.step()
            scheduler.step()
            rates.append([group["lr"] for group in optimizer.param_groups])
        if build is warm_up:
            again = build(library)(library.optim.SGD(groups, lr=1.0))
            again.load_state_dict(scheduler.state_dict())
            again.step()
            rates.append([again.last_epoch, again._step_count, *again.get_last_lr()])
        found.append(np.concatenate(rates))
    np.testing.assert_allclose(*found, 1e-6)


@pytest.mark.filterwarnings("ignore:The epoch parameter")
def test_a_step_to_a_time():
    found = []
    for library in (torch, mg):
        optimizer = library.optim.SGD([library.ones(1, requires_grad=True)], lr=1.0)
        scheduler = library.optim.lr_scheduler.StepLR(optimizer, 2, 0.5)
        optimizer.step()
        rates = []
        for epoch in (1, 5, 2, 3):
            scheduler.step(epoch)
            rates += scheduler.get_last_lr()
        found.append(rates)
    assert found[0] == found[1]
