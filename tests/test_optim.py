"""Optimizers: what holds for all of them, and what they refuse."""

import copy
import pickle

import numpy as np
import pytest

import minigrad as mg
from minigrad.optim import blocks as base

ALL = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.5, "weight_decay": 0.1}),
    ("Adam", {"amsgrad": True}),
    ("AdamW", {}),
    ("RMSprop", {"momentum": 0.5, "centered": True}),
    ("Adagrad", {"initial_accumulator_value": 0.1}),
    ("Adadelta", {}),
    ("NAdam", {"weight_decay": 0.1}),
    ("RAdam", {"betas": (0.9, 0.9)}),
    ("Lion", {"lr": 0.01, "weight_decay": 0.1}),
    ("Adamax", {"weight_decay": 0.1}),
    ("Rprop", {"lr": 0.05}),
]
everyone = pytest.mark.parametrize(("name", "options"), ALL)


def make(name, parameters, options):
    return getattr(mg.optim, name)(parameters, **options)


def parameters(rng, shapes=((3, 2), (3,), (), (4, 1, 2)), dtype=np.float64):
    return [mg.tensor(rng.standard_normal(s).astype(dtype), requires_grad=True) for s in shapes]


def give_gradients(rng, tensors):
    for p in tensors:
        p.grad = mg.tensor(rng.standard_normal(p.shape).astype(p.dtype))


def values(tensors):
    return [p.detach().numpy().copy() for p in tensors]


def assert_equal(found, expected):
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)


@everyone
@pytest.mark.parametrize(("small", "chunk"), [(0, 4), (16_384, 5), (0, 131_072)])
def test_updates_do_not_depend_on_how_they_are_batched(name, options, small, chunk, monkeypatch):
    def run():
        rng = np.random.default_rng(0)
        tensors = parameters(rng)
        optimizer = make(name, tensors, options)
        for _ in range(5):
            give_gradients(rng, tensors)
            optimizer.step()
        return values(tensors)

    expected = run()
    monkeypatch.setattr(base, "SMALL", small)
    monkeypatch.setattr(base, "CHUNK", chunk)
    assert_equal(run(), expected)


@everyone
@pytest.mark.parametrize("small", [0, 16_384])
def test_parameters_of_any_memory_order(name, options, small, monkeypatch):
    monkeypatch.setattr(base, "SMALL", small)

    def run(arrange):
        rng = np.random.default_rng(1)
        tensors = []
        for shape in ((3, 4), (2, 3, 4), (5,)):
            array = rng.standard_normal(shape)
            arranged = arrange(array)
            np.testing.assert_array_equal(array, arranged)
            t = mg.tensor(np.zeros(1)).detach()
            t.data = mg.from_numpy(arranged)
            tensors.append(t.requires_grad_())
        optimizer = make(name, tensors, options)
        for _ in range(3):
            give_gradients(rng, tensors)
            optimizer.step()
        return values(tensors)

    def strided(array):
        wide = np.zeros((*array.shape, 2))
        wide[..., 0] = array
        return wide[..., 0]

    expected = run(np.array)
    assert_equal(run(np.asfortranarray), expected)
    assert_equal(run(lambda a: np.ascontiguousarray(a[..., ::-1])[..., ::-1]), expected)
    assert_equal(run(strided), expected)


@everyone
def test_the_memory_of_a_parameter_stays_where_it_is(name, options):
    rng = np.random.default_rng(2)
    tensors = parameters(rng)
    arrays = [p.detach().numpy() for p in tensors]
    before = values(tensors)
    optimizer = make(name, tensors, options)
    for _ in range(2):
        give_gradients(rng, tensors)
        optimizer.step()
    for p, array, old in zip(tensors, arrays, before):
        assert np.shares_memory(p.detach().numpy(), array)
        np.testing.assert_array_equal(array, p.detach().numpy())
        assert not np.array_equal(array, old)


@everyone
def test_gradients_are_not_changed(name, options):
    rng = np.random.default_rng(3)
    tensors = parameters(rng, ((200, 100), (3,)))
    optimizer = make(name, tensors, {**options, "maximize": True})
    give_gradients(rng, tensors)
    before = [p.grad.numpy().copy() for p in tensors]
    optimizer.step()
    assert_equal([p.grad.numpy() for p in tensors], before)


@everyone
def test_float32_stays_float32(name, options):
    rng = np.random.default_rng(4)
    tensors = parameters(rng, dtype=np.float32) + parameters(rng)
    optimizer = make(name, tensors, options)
    give_gradients(rng, tensors)
    optimizer.step()
    for p in tensors:
        for key, value in optimizer.state.get(p, {}).items():
            if key not in ("step", "mu_product"):
                assert value.dtype == p.dtype
                assert value.shape == p.shape
    assert {p.dtype for p in tensors[:4]} == {np.dtype(np.float32)}


@everyone
def test_maximize_goes_the_other_way(name, options):
    rng = np.random.default_rng(5)
    up, down = parameters(rng), []
    down = [mg.tensor(p.detach().numpy(), requires_grad=True) for p in up]
    options = {k: v for k, v in options.items() if k != "weight_decay"}
    if name == "AdamW":  # whose default is not 0
        options["weight_decay"] = 0
    ascent = make(name, up, {**options, "maximize": True})
    descent = make(name, down, options)
    for _ in range(3):
        give_gradients(rng, up)
        for p, q in zip(up, down):
            q.grad = -p.grad
        ascent.step()
        descent.step()
    assert_equal(values(up), values(down))


@everyone
def test_a_state_dict_continues_the_run_exactly(name, options):
    def gradients(rng, tensors, step):
        give_gradients(rng, tensors)
        if step % 3 == 1:
            tensors[1].grad = None  # the parameters have different histories

    rng = np.random.default_rng(6)
    tensors = parameters(rng)
    optimizer = make(name, tensors, options)
    for step in range(4):
        gradients(rng, tensors, step)
        optimizer.step()
    others = [mg.tensor(p.detach().numpy(), requires_grad=True) for p in tensors]
    other = make(name, others, {"lr": 123.0})
    other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    assert other.param_groups[0]["lr"] == optimizer.param_groups[0]["lr"]
    state = rng.bit_generator.state
    for step in range(3):
        gradients(rng, tensors, step)
        optimizer.step()
    rng.bit_generator.state = state
    for step in range(3):
        gradients(rng, others, step)
        other.step()
    assert_equal(values(others), values(tensors))


@everyone
@pytest.mark.parametrize("copier", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copies_are_independent_and_equal(name, options, copier):
    rng = np.random.default_rng(7)
    tensors = parameters(rng)
    optimizer = make(name, tensors, options)
    give_gradients(rng, tensors)
    optimizer.step()
    others, other = copier((tensors, optimizer))
    assert other.param_groups[0]["params"][0] is others[0]
    give_gradients(rng, tensors)
    before = values(others)
    optimizer.step()
    assert_equal(values(others), before)
    for p, q in zip(tensors, others):
        q.grad = p.grad
    other.step()
    assert_equal(values(others), values(tensors))


def test_state_can_be_seen_and_shares_memory():
    p = mg.tensor([1.0, 2.0], requires_grad=True)
    optimizer = mg.optim.SGD([p], lr=1.0, momentum=0.5)
    assert optimizer.state == {}
    p.grad = mg.tensor([1.0, 1.0])
    optimizer.step()
    optimizer.state[p]["momentum_buffer"].zero_()
    p.grad = mg.tensor([0.0, 0.0])
    optimizer.step()
    np.testing.assert_array_equal(p.detach().numpy(), [0.0, 1.0])


def test_replaced_memory_is_followed():
    p = mg.tensor([1.0, 2.0], requires_grad=True)
    optimizer = mg.optim.SGD([p], lr=1.0, momentum=0.5)
    for start in ([1.0, 2.0], [10.0, 20.0]):
        p.data = mg.tensor(start)
        p.grad = mg.tensor([1.0, 1.0])
        optimizer.step()
    np.testing.assert_array_equal(p.detach().numpy(), [8.5, 18.5])


def test_options_can_be_changed_between_steps():
    p = mg.tensor([1.0], requires_grad=True)
    optimizer = mg.optim.SGD([p], lr=1.0)
    p.grad = mg.tensor([1.0])
    optimizer.step()
    optimizer.param_groups[0].update(lr=0.5, weight_decay=1.0, momentum=0.5)
    p.grad = mg.tensor([1.0])
    optimizer.step()  # p = 0: b = 1
    optimizer.step()  # p = -0.5: g = 0.5, b = 1
    np.testing.assert_allclose(p.detach().numpy(), [-1.0])


def test_groups_added_later():
    p, q = (mg.tensor([1.0], requires_grad=True) for _ in range(2))
    optimizer = mg.optim.SGD([p], lr=1.0)
    p.grad = q.grad = mg.tensor([1.0])
    optimizer.step()
    optimizer.add_param_group({"params": q, "lr": 0.25})
    optimizer.step()
    assert (p.item(), q.item()) == (-1.0, 0.75)


@pytest.mark.parametrize("small", [0, 16_384])
def test_a_step_counts_as_a_write(small, monkeypatch):
    monkeypatch.setattr(base, "SMALL", small)
    w = mg.tensor([2.0, 3.0], requires_grad=True)
    other = mg.tensor([1.0, 1.0], requires_grad=True)
    optimizer = mg.optim.SGD([w, other], lr=0.1)
    loss = (w * w).sum()
    kept = (other * other).sum()
    w.grad = mg.tensor([1.0, 1.0])
    optimizer.step()
    with pytest.raises(RuntimeError, match=r"SGD\.step changed"):
        loss.backward()
    kept.backward()  # `other` had no gradient: it was not changed


def test_zero_grad():
    p, q = (mg.tensor([1.0, 2.0], requires_grad=True) for _ in range(2))
    optimizer = mg.optim.SGD([p, q], lr=1.0)
    for arranged in (False, True):
        p.grad = mg.tensor([1.0, 1.0])
        if arranged:
            optimizer.step()
        optimizer.zero_grad(set_to_none=False)
        np.testing.assert_array_equal(p.grad.numpy(), [0.0, 0.0])
        assert q.grad is None
        q.grad = mg.tensor([1.0, 1.0])
        optimizer.zero_grad()
        assert p.grad is None
        assert q.grad is None


def test_zero_grad_reaches_groups_that_were_added_later():
    p, q = (mg.tensor([1.0, 2.0], requires_grad=True) for _ in range(2))
    optimizer = mg.optim.SGD([p], lr=1.0)
    p.grad = q.grad = mg.tensor([1.0, 1.0])
    optimizer.step()
    optimizer.add_param_group({"params": [q]})
    optimizer.zero_grad()
    assert p.grad is None
    assert q.grad is None


def test_read_only_memory_is_refused_before_anything_is_changed():
    p, q = (mg.tensor([1.0, 2.0], requires_grad=True) for _ in range(2))
    array = np.ones(2, np.float32)
    array.flags.writeable = False
    q.data = mg.tensor([0.0, 0.0])
    q._array = array
    optimizer = mg.optim.SGD([p, q], lr=1.0)
    p.grad = q.grad = mg.tensor([1.0, 1.0])
    with pytest.raises(ValueError, match="read-only"):
        optimizer.step()
    np.testing.assert_array_equal(p.detach().numpy(), [1.0, 2.0])


def test_closures_and_hooks():
    p = mg.tensor([3.0], requires_grad=True)
    optimizer = mg.optim.SGD([p], lr=0.5)
    calls = []
    first = optimizer.register_step_pre_hook(
        lambda o, args, kwargs: calls.append(("pre", p.item()))
    )
    optimizer.register_step_post_hook(lambda o, args, kwargs: calls.append(("post", p.item())))

    def closure():
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    with mg.no_grad():
        assert optimizer.step(closure).item() == 9.0
    assert calls == [("pre", 3.0), ("post", 0.0)]
    first.remove()
    optimizer.step(closure)
    assert calls[2:] == [("post", 0.0)]


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
def test_lbfgs_finds_the_minimum_of_a_quadratic(search):
    rng = np.random.default_rng(8)
    A = rng.standard_normal((12, 4))
    b = rng.standard_normal(12)
    x, y = (mg.tensor(np.zeros(2), requires_grad=True) for _ in range(2))
    optimizer = mg.optim.LBFGS([x, y], line_search_fn=search)

    def closure():
        optimizer.zero_grad()
        rest = mg.tensor(A[:, :2]) @ x + mg.tensor(A[:, 2:]) @ y - mg.tensor(b)
        loss = (rest * rest).mean()
        loss.backward()
        return loss

    for _ in range(6):
        optimizer.step(closure)
    expected = np.linalg.lstsq(A, b)[0]
    found = np.concatenate([x.detach().numpy(), y.detach().numpy()])
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_lbfgs_continues_from_its_state():
    def run(save_at):
        x = mg.tensor(np.array([-1.0, 2.0, 0.5]), requires_grad=True)
        options = {"max_iter": 3, "line_search_fn": "strong_wolfe"}
        optimizer = mg.optim.LBFGS([x], **options)

        def closure():
            optimizer.zero_grad()
            square = x * x
            loss = (square * square).sum() + (x * x[[1, 2, 0]]).sum() + x.sum()
            loss.backward()
            return loss

        for step in range(4):
            if step == save_at:
                state = copy.deepcopy(optimizer.state_dict())
                optimizer = mg.optim.LBFGS([x], **options)
                optimizer.load_state_dict(state)
            optimizer.step(closure)
        return x.detach().numpy()

    np.testing.assert_array_equal(run(save_at=2), run(save_at=None))


def test_an_optimizer_of_ones_own():
    class Signs(mg.optim.Optimizer):
        def __init__(self, params, lr):
            super().__init__(params, lr=lr)

        def coefficients(self, group, counts, first):
            return (group["lr"],)

        def update(self, change, g, state, numbers, group):
            np.multiply(np.sign(g, change), numbers[0], change)

    p = mg.tensor([1.0, -3.0], requires_grad=True)
    p.grad = mg.tensor([5.0, -0.1])
    Signs([p], lr=0.5).step()
    np.testing.assert_array_equal(p.detach().numpy(), [0.5, -2.5])


def leaf():
    return mg.tensor([1.0], requires_grad=True)


@pytest.mark.parametrize("name", [name for name, _ in ALL] + ["LBFGS"])
def test_what_every_optimizer_refuses(name):
    make_with = getattr(mg.optim, name)
    p = leaf()
    with pytest.raises(ValueError, match="empty"):
        make_with([])
    with pytest.raises(TypeError, match="list"):
        make_with(p)
    with pytest.raises(TypeError, match="not a tensor"):
        make_with([p, "weight"])
    if name != "LBFGS":
        integers = mg.tensor([1, 2])  # left alone, unless somebody gives them a gradient
        optimizer = make_with([integers])
        optimizer.step()
        integers.grad = mg.ones(2)
        with pytest.raises(TypeError, match="not floating"):
            optimizer.step()
    with pytest.raises(ValueError, match="leaf"):
        make_with([p * 2])
    with pytest.raises(ValueError, match="twice"):
        make_with([p, p])
    with pytest.raises(TypeError, match="set"):
        make_with([{"params": {p}}])
    with pytest.raises(ValueError, match="params"):
        make_with([{"lr": 1.0}])
    for lr in (-0.1, float("nan")):
        with pytest.raises(ValueError, match="lr"):
            make_with([p], lr=lr)
    with pytest.raises(TypeError, match="lr"):
        make_with([p], lr="fast")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("SGD", {"momentum": -1}),
        ("SGD", {"weight_decay": -1}),
        ("SGD", {"nesterov": True}),
        ("SGD", {"nesterov": True, "momentum": 0.9, "dampening": 0.1}),
        ("Adam", {"betas": (0.9, 1.0)}),
        ("Adam", {"betas": (-0.1, 0.9)}),
        ("Adam", {"eps": -1.0}),
        ("RMSprop", {"alpha": 1.5}),
        ("Adagrad", {"initial_accumulator_value": -1.0}),
        ("Adagrad", {"lr_decay": -1.0}),
        ("Adadelta", {"rho": 1.5}),
        ("Lion", {"betas": (1.0, 0.9)}),
        ("LBFGS", {"line_search_fn": "armijo"}),
    ],
)
def test_options_out_of_range(name, options):
    with pytest.raises(ValueError, match=name):
        make(name, [leaf()], options)


def test_a_bad_group_changes_nothing():
    p = leaf()
    optimizer = mg.optim.SGD([p], lr=0.1)
    with pytest.raises(ValueError, match="twice"):
        optimizer.add_param_group({"params": [leaf(), p]})
    with pytest.raises(ValueError, match="lr"):
        optimizer.add_param_group({"params": [leaf()], "lr": -1.0})
    assert len(optimizer.param_groups) == 1


def test_lbfgs_has_one_group_and_needs_a_closure():
    with pytest.raises(ValueError, match="one group"):
        mg.optim.LBFGS([{"params": [leaf()]}, {"params": [leaf()]}])
    with pytest.raises(TypeError, match="closure"):
        mg.optim.LBFGS([leaf()]).step()


def test_a_state_dict_that_does_not_fit_changes_nothing():
    p = leaf()
    optimizer = mg.optim.SGD([p], lr=0.1, momentum=0.9)
    p.grad = mg.tensor([1.0])
    optimizer.step()
    other = mg.optim.SGD([leaf(), leaf()], lr=0.5)
    with pytest.raises(ValueError, match="groups"):
        optimizer.load_state_dict(other.state_dict())
    state = copy.deepcopy(optimizer.state_dict())
    state["state"][0]["momentum_buffer"] = mg.tensor([1.0, 2.0])
    state["param_groups"][0]["lr"] = 7.0
    with pytest.raises(ValueError, match="shape"):
        optimizer.load_state_dict(state)
    assert optimizer.param_groups[0]["lr"] == 0.1
    assert optimizer.state[p]["momentum_buffer"].item() == 1.0


# --------------------------------------------------------------- parameters side by side in memory


def train_three_steps(model: mg.nn.Module, optimizer: mg.optim.Optimizer) -> None:
    x = mg.tensor(np.random.default_rng(0).standard_normal((5, 3)))
    for _ in range(3):
        optimizer.zero_grad()
        (model(x) ** 2).sum().backward()
        optimizer.step()


@pytest.mark.parametrize("when", ["before the first step", "after it"])
def test_arrays_of_parameters_go_on_sharing_their_memory(when: str) -> None:
    """The optimizer may move small parameters, but not away from an array that somebody holds."""
    model = mg.nn.Sequential(mg.nn.Linear(3, 4), mg.nn.Linear(4, 2)).double()
    optimizer = mg.optim.Adam(model.parameters(), lr=0.1)
    if when == "after it":
        train_three_steps(model, optimizer)
    held = [p.detach().numpy() for p in model.parameters()]
    row = model[0].weight.detach()[1]
    before = [array.copy() for array in held]
    train_three_steps(model, optimizer)
    for array, old, p in zip(held, before, model.parameters()):
        np.testing.assert_array_equal(array, p.detach().numpy())
        assert not np.array_equal(array, old)
    np.testing.assert_array_equal(row.numpy(), model[0].weight.detach().numpy()[1])


def test_parameters_side_by_side_are_written_one_by_one() -> None:
    """A change of one parameter in place is not taken for a change of its neighbour."""
    first, second = mg.nn.Linear(3, 3), mg.nn.Linear(3, 3)
    model = mg.nn.Sequential(first, second).double()
    train_three_steps(model, mg.optim.SGD(model.parameters(), lr=0.01))
    x = mg.tensor(np.random.default_rng(1).standard_normal((2, 3)))
    out = model(x).sum()
    with mg.no_grad():
        first.bias.add_(1.0)  # nothing saved it
    out.backward()
    out = model(x).sum()
    with mg.no_grad():
        second.weight.add_(1.0)  # saved for the gradient of the input
    with pytest.raises(RuntimeError, match="weight"):
        out.backward()


def test_a_model_keeps_the_memory_order_of_its_weights_and_copies_well() -> None:
    model = mg.nn.Sequential(mg.nn.Linear(3, 4), mg.nn.Linear(4, 2)).double()
    train_three_steps(model, mg.optim.SGD(model.parameters(), lr=0.01, momentum=0.9))
    assert model[0].weight.detach().numpy().flags.f_contiguous
    twin = copy.deepcopy(model)
    with mg.no_grad():
        twin[0].weight.zero_()
    assert model[0].weight.abs().sum() > 0


@pytest.mark.parametrize("maximize", [False, True])
def test_lion_follows_its_paper(maximize):
    """Algorithm 2 of Chen et al. 2023, one parameter after the other, for 50 steps."""
    rng = np.random.default_rng(0)
    tensors = parameters(rng)
    expected, momenta = values(tensors), [np.zeros(p.shape) for p in tensors]
    options = {"lr": 0.01, "betas": (0.9, 0.97), "weight_decay": 0.3}
    optimizer = mg.optim.Lion(tensors, maximize=maximize, **options)
    for _ in range(50):
        give_gradients(rng, tensors)
        optimizer.step()
        for i, tensor in enumerate(tensors):
            g = -tensor.grad.numpy() if maximize else tensor.grad.numpy()
            update = np.sign(0.9 * momenta[i] + 0.1 * g)
            expected[i] = expected[i] * (1 - 0.01 * 0.3) - 0.01 * update
            momenta[i] = 0.97 * momenta[i] + 0.03 * g
        for ours, by_hand in zip(values(tensors), expected):
            np.testing.assert_allclose(ours, by_hand, rtol=1e-12, atol=1e-13)
