"""Optimizers and schedulers follow PyTorch's trajectories."""

import warnings

import numpy as np
import pytest

import minigrad as mg
from minigrad.optim import lr_scheduler

torch = pytest.importorskip("torch")

DECAY = {"weight_decay": 0.1}
CASES = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, **DECAY}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, **DECAY}),
    ("Adam", {"lr": 0.01}),
    ("Adam", {"lr": 0.1, "amsgrad": True, "betas": (0.5, 0.9), **DECAY}),
    ("AdamW", {"lr": 0.01}),
    ("AdamW", {"lr": 0.1, "amsgrad": True, "eps": 1e-3}),
    ("RMSprop", {}),
    ("RMSprop", {"momentum": 0.9, **DECAY}),
    ("RMSprop", {"momentum": 0.9, "centered": True, "alpha": 0.8}),
    ("Adagrad", {"lr": 0.1}),
    ("Adagrad", {"lr_decay": 0.1, "initial_accumulator_value": 0.5, **DECAY}),
    ("Adadelta", {}),
    ("Adadelta", {"rho": 0.7, "lr": 0.5, **DECAY}),
    ("NAdam", {"lr": 0.01}),
    ("NAdam", {"momentum_decay": 0.1, **DECAY}),
    ("NAdam", {"decoupled_weight_decay": True, **DECAY}),
    ("Adamax", {"lr": 0.01}),
    ("Adamax", {"betas": (0.5, 0.9), "eps": 1e-3, **DECAY}),
    ("Rprop", {}),
    ("Rprop", {"lr": 0.1, "etas": (0.3, 1.5), "step_sizes": (1e-2, 0.3)}),
    ("RAdam", {"lr": 0.01}),
    ("RAdam", {"betas": (0.9, 0.9), **DECAY}),
    ("RAdam", {"decoupled_weight_decay": True, **DECAY}),
    ("ASGD", {}),
    ("ASGD", {"lr": 0.1, "lambd": 0.1, "alpha": 0.5, "t0": 2, **DECAY}),
    ("Adafactor", {}),
    ("Adafactor", {"lr": 0.5, "beta2_decay": -0.5, "eps": (1e-3, 1e-2), "d": 1.5, **DECAY}),
]
SHAPES = [(5, 3), (5,), (), (200, 100), (0, 4)]  # of which one is updated in its own memory


@pytest.fixture(autouse=True)
def float64():
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)  # NAdam keeps a product in the default type
    yield
    torch.set_default_dtype(before)


def pairs(seed=0, name=""):
    """The same parameters here and there; some in Fortran order, as `nn.Linear` has them."""
    rng = np.random.default_rng(seed)
    shapes = SHAPES[:-1] if name == "Adafactor" else SHAPES  # PyTorch's divides by 0 entries
    arrays = [rng.standard_normal(shape) for shape in shapes]
    ours = [mg.tensor(a).requires_grad_() for a in arrays]
    for i in (0, 3):
        ours[i].data = mg.tensor(arrays[i].T.copy()).T.detach()
    theirs = [torch.tensor(a, requires_grad=True) for a in arrays]
    return rng, ours, theirs


def give_gradients(rng, ours, theirs, missing=0.0):
    for p, q in zip(ours, theirs):
        g = rng.standard_normal(p.shape)
        if rng.random() < missing:
            p.grad = q.grad = None
        else:
            p.grad, q.grad = mg.tensor(g), torch.tensor(g)


def assert_same(ours, theirs):
    for p, q in zip(ours, theirs):
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("maximize", [False, True])
@pytest.mark.parametrize(("name", "options"), CASES)
def test_fifty_steps(name, options, maximize):
    rng, ours, theirs = pairs(0, name)
    optimizer = getattr(mg.optim, name)(ours, maximize=maximize, **options)
    reference = getattr(torch.optim, name)(theirs, maximize=maximize, **options)
    for _ in range(50):
        give_gradients(rng, ours, theirs)
        optimizer.step()
        reference.step()
    assert_same(ours, theirs)


@pytest.mark.parametrize(("name", "options"), CASES)
def test_parameters_without_a_gradient_are_left_alone(name, options):
    rng, ours, theirs = pairs(1, name)
    optimizer = getattr(mg.optim, name)(ours, **options)
    reference = getattr(torch.optim, name)(theirs, **options)
    for _ in range(20):
        give_gradients(rng, ours, theirs, missing=0.3)
        optimizer.step()
        reference.step()
    assert_same(ours, theirs)


@pytest.mark.parametrize(("name", "options"), CASES)
def test_a_state_dict_goes_both_ways(name, options):
    rng, ours, theirs = pairs(2, name)
    optimizer = getattr(mg.optim, name)(ours, **options)
    reference = getattr(torch.optim, name)(theirs, **options)
    for _ in range(3):
        give_gradients(rng, ours, theirs)
        reference.step()
    for p, q in zip(ours, theirs):
        with mg.no_grad():
            p -= p - mg.tensor(q.detach().numpy())
    optimizer.load_state_dict(reference.state_dict())
    for _ in range(3):
        give_gradients(rng, ours, theirs)
        optimizer.step()
        reference.step()
    assert_same(ours, theirs)

    def to_torch(value):
        if isinstance(value, dict):
            return {key: to_torch(v) for key, v in value.items()}
        return torch.tensor(value.numpy()) if isinstance(value, mg.Tensor) else value

    again = getattr(torch.optim, name)(theirs, **options)
    again.load_state_dict(to_torch(optimizer.state_dict()))
    for _ in range(3):
        give_gradients(rng, ours, theirs)
        optimizer.step()
        again.step()
    assert_same(ours, theirs)


def test_groups_with_their_own_options():
    rng, ours, theirs = pairs(3)
    options = {"lr": 0.1, "weight_decay": 0.01}

    def grouped(p):
        return [{"params": p[:2]}, {"params": p[2:], "lr": 0.01, "momentum": 0.5}]

    optimizer = mg.optim.SGD(grouped(ours), momentum=0.9, **options)
    reference = torch.optim.SGD(grouped(theirs), momentum=0.9, **options)
    for i in range(10):
        if i == 5:
            optimizer.param_groups[0]["momentum"] = reference.param_groups[0]["momentum"] = 0.0
        if i == 7:
            optimizer.param_groups[1]["weight_decay"] = 0.0
            reference.param_groups[1]["weight_decay"] = 0.0
        give_gradients(rng, ours, theirs)
        optimizer.step()
        reference.step()
    assert_same(ours, theirs)


@pytest.mark.parametrize(("search", "lr"), [(None, 0.02), ("strong_wolfe", 1.0)])
@pytest.mark.parametrize("history", [3, 100])
def test_lbfgs(search, lr, history):
    # convex, so that roundings do not grow from step to step
    rng = np.random.default_rng(0)
    matrix, target, start = rng.standard_normal((12, 6)), rng.standard_normal(12), np.ones(6)
    options = {"lr": lr, "max_iter": 4, "history_size": history, "line_search_fn": search}

    def setup(module, x, A, b):
        optimizer = module.optim.LBFGS([x], **options)

        def closure():
            optimizer.zero_grad()
            rest = A @ x - b
            square = x * x
            loss = (rest * rest).sum() + (square * square).sum()
            loss.backward()
            return loss

        return optimizer, closure

    x = mg.tensor(start, requires_grad=True)
    z = torch.tensor(start, requires_grad=True)
    optimizer, closure = setup(mg, x, mg.tensor(matrix), mg.tensor(target))
    reference, its_closure = setup(torch, z, torch.tensor(matrix), torch.tensor(target))
    for _ in range(12):
        loss, expected = optimizer.step(closure), reference.step(its_closure)
        np.testing.assert_allclose(loss.item(), expected.item(), rtol=1e-10)
        np.testing.assert_allclose(x.detach().numpy(), z.detach().numpy(), rtol=1e-10, atol=1e-10)
    assert optimizer.state[x]["func_evals"] == reference.state[z]["func_evals"]
    again = mg.optim.LBFGS([x], **options)
    again.load_state_dict(reference.state_dict())
    assert len(again.state[x]["old_dirs"]) == len(reference.state[z]["old_dirs"])


def small_net(library, x, y):
    """A 3-5-2 network in float64 from fixed weights, its LBFGS, and the closure of its loss."""
    rng = np.random.default_rng(1)
    nn = library.nn
    model = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2)).double()
    with library.no_grad():
        for parameter in model.parameters():
            parameter.copy_(library.tensor(rng.uniform(-0.5, 0.5, tuple(parameter.shape))))
    options = {"lr": 0.5, "max_iter": 3, "history_size": 5, "line_search_fn": "strong_wolfe"}
    optimizer = library.optim.LBFGS(model.parameters(), **options)
    inputs, targets = library.tensor(x), library.tensor(y)

    def closure():
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(inputs), targets)
        # the penalty keeps roundings from growing from step to step
        loss = loss + 0.05 * sum((p * p).sum() for p in model.parameters())
        loss.backward()
        return loss

    return model, optimizer, closure


def parameters_of(model):
    return np.concatenate([p.detach().numpy().ravel() for p in model.parameters()])


def test_lbfgs_trains_a_network_as_pytorch_does_and_hands_over_its_state():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((12, 3)), rng.standard_normal((12, 2))
    model, optimizer, closure = small_net(mg, x, y)
    theirs, their_optimizer, their_closure = small_net(torch, x, y)
    for _ in range(50):
        loss, expected = optimizer.step(closure), their_optimizer.step(their_closure)
        np.testing.assert_allclose(loss.item(), expected.item(), rtol=1e-10)
        np.testing.assert_allclose(parameters_of(model), parameters_of(theirs), atol=1e-10)

    # halfway: PyTorch goes on from our parameters and our state as we do
    model, optimizer, closure = small_net(mg, x, y)
    theirs, their_optimizer, their_closure = small_net(torch, x, y)
    for _ in range(3):
        optimizer.step(closure)
    with torch.no_grad():
        for ours, its in zip(model.parameters(), theirs.parameters()):
            its.copy_(torch.tensor(ours.detach().numpy()))
    their_optimizer.load_state_dict(to_torch(optimizer.state_dict()))
    for _ in range(3):
        optimizer.step(closure)
        their_optimizer.step(their_closure)
        np.testing.assert_allclose(parameters_of(model), parameters_of(theirs), atol=1e-10)


def to_torch(value):
    """A state dict with tensors of PyTorch."""
    if isinstance(value, mg.Tensor):
        return torch.tensor(value.numpy())
    if isinstance(value, dict):
        return {key: to_torch(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(to_torch(each) for each in value)
    return value


SCHEDULES = [
    ("StepLR", {"step_size": 7, "gamma": 0.5}),
    ("MultiStepLR", {"milestones": [3, 10, 10, 30], "gamma": 0.3}),
    ("ConstantLR", {"factor": 0.25, "total_iters": 6}),
    ("LinearLR", {"start_factor": 0.2, "end_factor": 0.9, "total_iters": 13}),
    ("ExponentialLR", {"gamma": 0.93}),
    ("PolynomialLR", {"total_iters": 20, "power": 1.7}),
    ("CosineAnnealingLR", {"T_max": 11, "eta_min": 0.01}),
    ("CosineAnnealingLR", {"T_max": 9}),
    ("CosineAnnealingWarmRestarts", {"T_0": 5, "T_mult": 2, "eta_min": 0.001}),
    ("CosineAnnealingWarmRestarts", {"T_0": 8}),
    ("OneCycleLR", {"max_lr": [0.5, 0.1], "total_steps": 60}),
    ("OneCycleLR", {"max_lr": 1.0, "epochs": 6, "steps_per_epoch": 10, "three_phase": True}),
    ("OneCycleLR", {"max_lr": 1.0, "total_steps": 51, "anneal_strategy": "linear"}),
    ("OneCycleLR", {"max_lr": 1.0, "total_steps": 51, "cycle_momentum": False}),
    ("LambdaLR", {"lr_lambda": lambda t: 0.95**t + 0.1}),
    ("MultiplicativeLR", {"lr_lambda": lambda t: 0.9 + 0.01 * (t % 5)}),
    ("CyclicLR", {"base_lr": [0.1, 0.01], "max_lr": 0.5, "step_size_up": 7}),
    (
        "CyclicLR",
        {
            "base_lr": 0.1,
            "max_lr": 0.5,
            "step_size_up": 4,
            "step_size_down": 9,
            "mode": "triangular2",
            "base_momentum": 0.5,
        },
    ),
    (
        "CyclicLR",
        {
            "base_lr": 0.1,
            "max_lr": 0.5,
            "step_size_up": 6,
            "mode": "exp_range",
            "gamma": 0.98,
            "cycle_momentum": False,
        },
    ),
    (
        "CyclicLR",
        {
            "base_lr": 0.1,
            "max_lr": 0.5,
            "step_size_up": 6,
            "cycle_momentum": False,
            "scale_fn": lambda t: 1 / (1 + t),
            "scale_mode": "iterations",
        },
    ),
]


def make_pair(kind):
    shapes = [(3,), (2,)]
    ours = [{"params": [mg.tensor(np.ones(s), requires_grad=True)]} for s in shapes]
    theirs = [{"params": [torch.ones(s, requires_grad=True)]} for s in shapes]
    ours[1]["lr"] = theirs[1]["lr"] = 0.05
    return getattr(mg.optim, kind)(ours, lr=0.5), getattr(torch.optim, kind)(theirs, lr=0.5)


def assert_same_options(optimizer, reference):
    for group, expected in zip(optimizer.param_groups, reference.param_groups):
        assert group["lr"] == pytest.approx(expected["lr"], rel=1e-10, abs=1e-14)
        if "betas" in group:
            assert group["betas"] == pytest.approx(expected["betas"], rel=1e-10)
        if "momentum" in group:
            assert group["momentum"] == pytest.approx(expected["momentum"], rel=1e-10)


@pytest.mark.parametrize("kind", ["SGD", "Adam"])
@pytest.mark.parametrize(("name", "options"), SCHEDULES)
def test_schedule(name, options, kind):
    optimizer, reference = make_pair(kind)
    scheduler = getattr(lr_scheduler, name)(optimizer, **options)
    expected = getattr(torch.optim.lr_scheduler, name)(reference, **options)
    for _ in range(50):
        assert_same_options(optimizer, reference)
        assert scheduler.get_last_lr() == pytest.approx(expected.get_last_lr(), rel=1e-10)
        optimizer.step()
        reference.step()
        scheduler.step()
        expected.step()
    assert_same_options(optimizer, reference)


def test_chained_schedulers():
    optimizer, reference = make_pair("SGD")

    def chained(module, optimizer):
        parts = [module.LinearLR(optimizer, 0.2, total_iters=5), module.StepLR(optimizer, 4, 0.5)]
        return module.ChainedScheduler(parts)

    scheduler = chained(lr_scheduler, optimizer)
    expected = chained(torch.optim.lr_scheduler, reference)
    for _ in range(20):
        assert_same_options(optimizer, reference)
        assert scheduler.get_last_lr() == pytest.approx(expected.get_last_lr())
        optimizer.step()
        reference.step()
        scheduler.step()
        expected.step()
    again = chained(lr_scheduler, make_pair("SGD")[0])
    again.load_state_dict(scheduler.state_dict())
    assert again.get_last_lr() == scheduler.get_last_lr()


@pytest.mark.parametrize("strategy", ["cos", "linear"])
@pytest.mark.parametrize("epochs", [0, 1, 6])
def test_the_rate_of_averaging(strategy, epochs):
    optimizer, reference = make_pair("SGD")
    ours = mg.optim.swa_utils.SWALR(optimizer, 0.05, epochs, strategy)
    theirs = torch.optim.swa_utils.SWALR(reference, 0.05, epochs, strategy)
    for _ in range(10):
        assert_same_options(optimizer, reference)
        optimizer.step()
        reference.step()
        ours.step()
        theirs.step()


@pytest.mark.parametrize("kind", ["mean", "moving", "own"])
@pytest.mark.parametrize("buffers", [False, True])
def test_averaged_models(kind, buffers):
    def averages(module):
        swa = module.optim.swa_utils
        options = {
            "mean": {},
            "moving": {"multi_avg_fn": swa.get_ema_multi_avg_fn(0.9)},
            "own": {"avg_fn": lambda averaged, p, n: 0.3 * averaged + 0.7 * p},
        }[kind]
        net = module.nn.Sequential(module.nn.Linear(2, 3), module.nn.BatchNorm1d(3))
        averaged = swa.AveragedModel(net, use_buffers=buffers, **options)
        rng = np.random.default_rng(0)
        for _ in range(4):
            for p in net.parameters():
                p.data = module.tensor(rng.standard_normal(tuple(p.shape)))
            net[1].running_mean.copy_(module.tensor(rng.standard_normal(3)))
            averaged.update_parameters(net)
        swa.update_bn([module.tensor(rng.standard_normal((5, 2))) for _ in range(3)], averaged)
        return {name: value.detach().numpy() for name, value in averaged.state_dict().items()}

    ours, theirs = averages(mg), averages(torch)
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        np.testing.assert_allclose(value, theirs[name], rtol=1e-6, atol=1e-7, err_msg=name)


@pytest.mark.parametrize(
    "options",
    [{}, {"nesterov": False, "weight_decay": 0.0}, {"adjust_lr_fn": "match_rms_adamw", "lr": 0.1}],
    ids=str,
)
def test_muon(options):
    """PyTorch orthogonalises in bfloat16, whose numbers have three digits."""
    rng = np.random.default_rng(0)
    for shape in [(4, 4), (3, 7), (8, 2)]:
        start = rng.standard_normal(shape)
        p, q = mg.tensor(start, requires_grad=True), torch.tensor(start, requires_grad=True)
        ours, theirs = mg.optim.Muon([p], **options), torch.optim.Muon([q], **options)
        for _ in range(5):
            give_gradients(rng, [p], [q])
            ours.step()
            theirs.step()
        moved = np.abs(q.detach().numpy() - start).max()
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), atol=0.05 * moved)
    with pytest.raises(ValueError, match="matrices"):
        mg.optim.Muon([mg.ones(3, requires_grad=True)])


def test_schedules_one_after_the_other():
    optimizer, reference = make_pair("SGD")

    def sequence(module, optimizer):
        parts = [
            module.LinearLR(optimizer, 0.1, total_iters=5),
            module.CosineAnnealingLR(optimizer, 10),
            module.ExponentialLR(optimizer, 0.9),
        ]
        return module.SequentialLR(optimizer, parts, milestones=[5, 20])

    scheduler = sequence(lr_scheduler, optimizer)
    expected = sequence(torch.optim.lr_scheduler, reference)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's own, about an argument that it passes itself
        for _ in range(50):
            assert_same_options(optimizer, reference)
            optimizer.step()
            reference.step()
            scheduler.step()
            expected.step()
    assert_same_options(optimizer, reference)


def test_several_schedulers_of_one_optimizer_multiply():
    optimizer, reference = make_pair("SGD")

    def several(module, optimizer):
        return [
            module.ExponentialLR(optimizer, 0.95),
            module.StepLR(optimizer, 4, 0.5),
            module.LinearLR(optimizer, 0.5, total_iters=7),
        ]

    schedulers = several(lr_scheduler, optimizer)
    expected = several(torch.optim.lr_scheduler, reference)
    for _ in range(20):
        assert_same_options(optimizer, reference)
        optimizer.step()
        reference.step()
        for scheduler in (*schedulers, *expected):
            scheduler.step()


def test_fractions_of_epochs():
    optimizer, reference = make_pair("SGD")
    options = {"T_0": 3, "T_mult": 2}
    scheduler = lr_scheduler.CosineAnnealingWarmRestarts(optimizer, **options)
    expected = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(reference, **options)
    for i in range(40):
        optimizer.step()
        reference.step()
        scheduler.step(i / 4)
        expected.step(i / 4)
        assert_same_options(optimizer, reference)


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("threshold_mode", ["rel", "abs"])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_reduce_on_plateau(mode, threshold_mode, sign):
    optimizer, reference = make_pair("SGD")
    options = {
        "mode": mode, "factor": 0.5, "patience": 2, "threshold": 0.05, "min_lr": [0.01, 0.02],
        "threshold_mode": threshold_mode, "cooldown": 1,
    }  # fmt: skip
    scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, **options)
    expected = torch.optim.lr_scheduler.ReduceLROnPlateau(reference, **options)
    rng = np.random.default_rng(0)
    for t in range(50):
        value = sign * (2.0 + np.exp(-t / 5) + 0.1 * rng.standard_normal())
        scheduler.step(value)
        expected.step(value)
        assert_same_options(optimizer, reference)
    assert optimizer.param_groups[0]["lr"] < 0.5
