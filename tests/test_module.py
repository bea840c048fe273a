"""The machinery of modules: registration, iteration, state, hooks, copies, messages."""

import copy
import pickle
import threading
from collections import OrderedDict

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.modes import recording


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(3, 4), nn.Tanh())
        self.head = nn.Linear(4, 2)
        self.register_buffer("scale", mg.tensor([2.0]))
        self.register_buffer("cache", mg.tensor([0.0]), persistent=False)

    def forward(self, x):
        return self.head(self.body(x)) * self.scale


def names(pairs):
    return [name for name, _ in pairs]


X = np.linspace(-1, 1, 6, dtype=np.float32).reshape(2, 3)


# ------------------------------------------------------------------------------------ registration


def test_attributes_are_registered_and_plain():
    net = Net()
    assert names(net.named_parameters()) == [
        "body.0.weight", "body.0.bias", "head.weight", "head.bias",
    ]  # fmt: skip
    assert names(net.named_buffers()) == ["scale", "cache"]
    assert names(net.named_children()) == ["body", "head"]
    assert names(net.named_modules()) == ["", "body", "body.0", "body.1", "head"]
    assert vars(net.head)["weight"] is net.head._parameters["weight"]


def test_assignment_replaces_and_moves_between_registries():
    net = Net()
    net.head = nn.Identity()
    assert names(net.named_parameters()) == ["body.0.weight", "body.0.bias"]
    net.head = nn.Parameter(mg.zeros(2))
    assert "head" in names(net.named_parameters())
    assert names(net.named_children()) == ["body"]
    net.scale = None
    assert names(net.named_buffers()) == ["cache"]
    net.scale = mg.tensor([5.0])
    assert dict(net.named_buffers())["scale"] is net.scale


def test_deleting_unregisters():
    net = Net()
    del net.head, net.scale
    assert not hasattr(net, "head")
    assert "head.weight" not in net.state_dict()
    assert "scale" not in net.state_dict()


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [("head", 3, TypeError), ("scale", 1.0, TypeError), ("missing", mg.tensor([1.0]), None)],
)
def test_assignment_of_a_wrong_kind_changes_nothing(name, value, error):
    net = Net()
    before = dict(net.state_dict())
    if error is None:
        setattr(net, name, value)  # a plain tensor is a plain attribute
        assert names(net.named_buffers()) == ["scale", "cache"]
    else:
        with pytest.raises(error, match=name):
            setattr(net, name, value)
        assert list(net.state_dict()) == list(before)
        assert getattr(net, name) is not value


def test_assignment_before_init_is_refused():
    class Forgetful(nn.Module):
        def __init__(self):
            self.layer = nn.Linear(2, 2)

    with pytest.raises(AttributeError, match="__init__"):
        Forgetful()


@pytest.mark.parametrize("name", ["", "a.b", "forward", "training"])
@pytest.mark.parametrize("kind", ["parameter", "buffer", "module"])
def test_names_that_cannot_be_used(name, kind):
    values = {"parameter": nn.Parameter(mg.zeros(1)), "buffer": mg.zeros(1), "module": nn.ReLU()}
    with pytest.raises(KeyError):
        getattr(nn.Module(), f"register_{kind}")(name, values[kind])


@pytest.mark.parametrize("kind", ["parameter", "buffer", "module"])
def test_registration_of_a_wrong_kind(kind):
    with pytest.raises(TypeError, match="str"):
        getattr(nn.Module(), f"register_{kind}")("x", "a string")


def test_getters_by_path():
    net = Net()
    assert net.get_submodule("body.0") is net.body[0]
    assert net.get_submodule("") is net
    assert net.get_parameter("body.0.weight") is net.body[0].weight
    assert net.get_buffer("scale") is net.scale
    with pytest.raises(AttributeError, match="body, head"):
        net.get_submodule("tail.0")
    with pytest.raises(AttributeError, match="bias2"):
        net.get_parameter("head.bias2")


def test_shared_parameters_and_modules_count_once():
    layer = nn.Linear(2, 2)
    net = nn.Sequential(layer, nn.ReLU(), layer)
    assert len(list(net.parameters())) == 2
    assert len(list(net.modules())) == 3
    assert len(list(net.named_children())) == 2
    assert len(list(net.named_parameters(remove_duplicate=False))) == 4
    tied = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    tied[1].weight = tied[0].weight
    assert len(list(tied.parameters())) == 3
    apart = copy.deepcopy(tied)
    apart[1].weight = nn.Parameter(apart[0].weight.detach().clone())
    for net in (tied, apart):
        net(mg.ones(1, 2)).sum().backward()
    both = apart[0].weight.grad + apart[1].weight.grad
    np.testing.assert_allclose(tied[0].weight.grad.numpy(), both.numpy(), rtol=1e-6)


def test_missing_attribute_and_forward():
    with pytest.raises(AttributeError, match="nothing"):
        _ = nn.Linear(1, 1).nothing
    with pytest.raises(NotImplementedError, match="forward"):
        nn.Module()(1)


# ------------------------------------------------------------------------------------- all at once


def test_train_and_eval_reach_all():
    net = nn.Sequential(nn.Dropout(), nn.Sequential(nn.Dropout()))
    assert net.eval() is net
    assert not any(m.training for m in net.modules())
    assert all(m.training for m in net.train().modules())
    with pytest.raises(TypeError):
        net.train("yes")


def test_apply_goes_children_first():
    seen = []
    net = Net()
    assert net.apply(lambda m: seen.append(type(m).__name__)) is net
    assert seen == ["Linear", "Tanh", "Sequential", "Linear", "Net"]


def test_requires_grad_freezes_and_zero_grad_clears():
    net = Net()
    net.body.requires_grad_(False)
    net(mg.tensor(X)).sum().backward()
    assert net.body[0].weight.grad is None
    assert net.head.weight.grad is not None
    net.zero_grad(set_to_none=False)
    assert not net.head.weight.grad.numpy().any()
    net.zero_grad()
    assert net.head.weight.grad is None


@pytest.mark.parametrize("convert", [
    lambda net: net.to(mg.float64), lambda net: net.double(), lambda net: net.to("cpu", np.float64),
    lambda net: net.to(dtype=mg.float64, device="cpu", non_blocking=True),
    lambda net: net.to(mg.zeros(1, dtype=mg.float64)),
    lambda net: net.to(mg.device("cpu")).double(),
])  # fmt: skip
def test_to_converts_in_place(convert):
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    net(mg.tensor(X)).sum().backward()
    before = list(net.parameters())
    values = [p.detach().numpy().copy() for p in before]
    assert convert(net) is net
    for old, new, value in zip(before, net.parameters(), values):
        assert new is old
        assert new.dtype == new.grad.dtype == np.float64
        np.testing.assert_array_equal(new.detach().numpy(), value)
    assert net[1].running_mean.dtype == np.float64
    assert net[1].num_batches_tracked.dtype == np.int64
    assert net(mg.tensor(X.astype(float))).dtype == np.float64
    net.float()
    assert net(mg.tensor(X)).dtype == np.float32


def test_to_refuses():
    net = Net()
    with pytest.raises(ValueError, match="CPU"):
        net.to("cuda")
    with pytest.raises(ValueError, match="CPU"):
        net.cuda()
    with pytest.raises(TypeError, match="floating"):
        net.to(mg.int64)
    with pytest.raises(TypeError, match="speed"):
        net.to(speed=1)
    assert all(p.dtype == np.float32 for p in net.parameters())


# ------------------------------------------------------------------------------------------- state


def test_state_dict_shares_memory_and_leaves_out_transient_buffers():
    net = Net()
    state = net.state_dict()
    assert "cache" not in state
    assert not any(t.requires_grad for t in state.values())
    with mg.no_grad():
        net.head.bias += 1
    np.testing.assert_array_equal(state["head.bias"].numpy(), net.head.bias.detach().numpy())
    assert net.state_dict(keep_vars=True)["head.bias"] is net.head.bias
    assert list(net.head.state_dict(prefix="x.")) == ["x.weight", "x.bias"]


def test_load_copies_into_the_same_parameters():
    net, other = Net(), Net()
    kept = net.head.weight
    result = net.load_state_dict(other.state_dict())
    assert repr(result) == "<All keys matched successfully>"
    assert net.head.weight is kept
    np.testing.assert_array_equal(kept.detach().numpy(), other.head.weight.detach().numpy())
    assert not np.shares_memory(kept.detach().numpy(), other.head.weight.detach().numpy())
    np.testing.assert_array_equal(
        net(mg.tensor(X)).detach().numpy(), other(mg.tensor(X)).detach().numpy()
    )


def test_load_takes_arrays_and_casts():
    net = Net()
    arrays = {name: t.numpy().astype(np.float64) + 1 for name, t in net.state_dict().items()}
    net.load_state_dict(arrays)
    assert net.head.bias.dtype == np.float32
    np.testing.assert_allclose(net.head.bias.detach().numpy(), arrays["head.bias"], rtol=1e-6)


def test_a_bad_state_dict_changes_nothing_and_everything_wrong_is_listed():
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    before = {name: t.numpy().copy() for name, t in net.state_dict().items()}
    bad = {name: t.numpy() + 1 for name, t in net.state_dict().items()}
    bad["0.weight"] = np.ones((3, 4))
    bad["1.num_batches_tracked"] = np.array(1.5)
    bad["extra"] = np.ones(1)
    del bad["0.bias"]
    with pytest.raises(RuntimeError) as caught:
        net.load_state_dict(bad)
    message = str(caught.value)
    for text in ("missing: 0.bias", "unexpected: extra", "0.weight", "(4, 3)", "(3, 4)", "float64"):
        assert text in message
    for name, tensor in net.state_dict().items():
        np.testing.assert_array_equal(tensor.numpy(), before[name])
    with pytest.raises(RuntimeError, match=r"0\.weight"):
        net.load_state_dict(bad, strict=False)
    with pytest.raises(TypeError, match="dictionary"):
        net.load_state_dict([1])
    with pytest.raises(TypeError, match=r"0\.bias"):
        net.load_state_dict({**bad, "0.bias": "text"}, strict=False)


def test_load_not_strict_reports():
    net = nn.Linear(2, 2)
    result = net.load_state_dict({"bias": np.array([1.0, 2.0]), "more": np.ones(1)}, strict=False)
    assert result.missing_keys == ["weight"]
    assert result.unexpected_keys == ["more"]
    np.testing.assert_array_equal(net.bias.detach().numpy(), [1, 2])


def test_load_assign_takes_the_tensors_themselves():
    net = nn.Linear(2, 2)
    net.bias.requires_grad_(False)
    given = {"weight": nn.Parameter(mg.ones(2, 2, dtype=mg.float64)), "bias": mg.zeros(2)}
    net.load_state_dict(given, assign=True)
    assert net.weight is given["weight"]
    assert isinstance(net.bias, nn.Parameter)
    assert not net.bias.requires_grad
    assert np.shares_memory(net.bias.numpy(), given["bias"].numpy())


def test_load_assign_of_integers_changes_nothing():
    net = nn.Linear(2, 2)
    weight, bias = net.weight, net.bias
    with pytest.raises(RuntimeError, match="bias"):
        net.load_state_dict({"weight": mg.ones(2, 2), "bias": mg.tensor([1, 2])}, assign=True)
    assert net.weight is weight
    assert net.bias is bias


def test_backward_after_load_is_refused():
    net = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    loss = net(mg.tensor(X)).sum()
    net.load_state_dict(net.state_dict())
    with pytest.raises(RuntimeError, match="load_state_dict"):
        loss.backward()


# --------------------------------------------------------------------------- copies, other threads


def same_numbers(a, b):
    return all(
        np.array_equal(s.numpy(), t.numpy())
        for s, t in zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    )


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])
def test_copies_are_independent_and_keep_ties_and_memory_order(duplicate):
    net = Net()
    net.body[0].requires_grad_(False)
    net.tail = net.head
    net(mg.tensor(X)).sum().backward()
    made = duplicate(net)
    assert same_numbers(net, made)
    assert made.tail is made.head
    assert made.head.weight is vars(made.head)["weight"] is made.head._parameters["weight"]
    assert made.scale is made._buffers["scale"]
    assert not made.body[0].weight.requires_grad
    np.testing.assert_array_equal(made.head.weight.grad.numpy(), net.head.weight.grad.numpy())
    assert made.head.weight.detach().numpy().flags.f_contiguous
    assert repr(made) == repr(net)
    with mg.no_grad():
        made.head.bias += 1
    assert not same_numbers(net, made)


def test_linear_keeps_fortran_order():
    layer = nn.Linear(5, 3)
    layer.load_state_dict({"weight": np.ones((3, 5)), "bias": np.ones(3)})
    for changed in (layer, layer.double(), layer.float()):
        assert changed.weight.detach().numpy().flags.f_contiguous
    layer(mg.ones(2, 5)).sum().backward()
    assert layer.weight.grad.numpy().flags.f_contiguous


def test_threads_do_not_see_each_others_frames():
    frames = []

    class Probe(nn.Module):
        def forward(self, x):
            thread = threading.Thread(target=lambda: frames.append(recording.frame.module))
            thread.start()
            thread.join()
            frames.append(recording.frame.module)
            return x

    probe = Probe()
    probe(1)
    assert frames == [None, probe]
    assert recording.frame.module is None


# --------------------------------------------------------------------- frames, and where it failed


def test_nodes_know_their_module_and_no_grad_is_respected():
    net = Net()
    out = net(mg.tensor(X))
    assert out.grad_fn.frame.module is net
    inner = out.grad_fn.inputs[0]
    assert inner.frame.module is net.head
    assert inner.frame.parent.module is net
    with mg.no_grad():
        assert net(mg.tensor(X)).grad_fn is None
        assert recording.frame is None


@pytest.mark.parametrize("context", [mg.enable_grad, mg.no_grad])
def test_an_error_names_the_path_of_modules_once(context):
    class Outer(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList([nn.Identity(), nn.Sequential(nn.ReLU(), nn.Linear(4, 3))])

        def forward(self, x):
            for layer in self.layers:
                x = layer(x)
            return x

    with context(), pytest.raises(ValueError) as caught:
        Outer()(mg.ones(2, 5))
    notes = [note for note in caught.value.__notes__ if note.startswith("in ")]
    assert notes == ["in Outer.layers.1.1: Linear(in_features=4, out_features=3, bias=True)"]
    assert recording.frame is not None


def test_the_frame_is_restored_after_an_error():
    before = recording.frame
    with pytest.raises(ValueError):
        nn.Linear(2, 2)(mg.ones(1, 3))
    assert recording.frame is before


# ------------------------------------------------------------------------------------------- hooks


def test_forward_hooks_see_and_replace():
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh())
    seen = []
    handles = [
        net[0].register_forward_pre_hook(lambda m, args: seen.append(("pre", m)) or (args[0] * 2,)),
        net[0].register_forward_hook(lambda m, args, out: seen.append(("post", m)) or out + 1),
        net[0].register_forward_hook(lambda m, args, out: seen.append(("first", m)), prepend=True),
    ]
    out = net(mg.tensor(X))
    assert [kind for kind, _ in seen] == ["pre", "first", "post"]
    for handle in handles:
        handle.remove()
    expected = mg.tanh(net[0](mg.tensor(2 * X)) + 1)
    np.testing.assert_allclose(out.detach().numpy(), expected.detach().numpy(), rtol=1e-6)
    assert len(seen) == 3


def test_forward_hooks_with_keyword_arguments():
    class Scaled(nn.Module):
        def forward(self, x, *, by):
            return x * by

    module = Scaled()
    module.register_forward_pre_hook(lambda m, a, k: (a, {"by": k["by"] + 1}), with_kwargs=True)
    module.register_forward_hook(lambda m, a, k, out: out * k["by"], with_kwargs=True)
    assert module(mg.tensor([1.0]), by=2).item() == 9
    module.register_forward_pre_hook(lambda m, a, k: 3, with_kwargs=True)
    with pytest.raises(RuntimeError, match="kwargs"):
        module(mg.tensor([1.0]), by=2)


def test_hooks_are_functions():
    with pytest.raises(TypeError, match="hook"):
        nn.ReLU().register_forward_hook(3)


def test_backward_hooks_see_gradients_of_inputs_and_outputs():
    layer = nn.Linear(3, 2).double()
    x = mg.tensor(X.astype(float), requires_grad=True)
    g = np.random.default_rng(0).standard_normal((2, 2))
    seen = []
    layer.register_full_backward_pre_hook(lambda m, grads: seen.append(("pre", m, grads)))
    handle = layer.register_full_backward_hook(lambda m, *grads: seen.append(("post", m, *grads)))
    layer(x).backward(mg.tensor(g))
    assert [entry[0] for entry in seen] == ["pre", "post"]
    np.testing.assert_array_equal(seen[0][2][0].numpy(), g)
    (grad_input,), (grad_output,) = seen[1][2:]
    np.testing.assert_allclose(grad_input.numpy(), g @ layer.weight.detach().numpy())
    np.testing.assert_array_equal(grad_output.numpy(), g)
    np.testing.assert_allclose(x.grad.numpy(), g @ layer.weight.detach().numpy())
    np.testing.assert_allclose(layer.weight.grad.numpy(), g.T @ X)
    handle.remove()
    layer(x).sum().backward()
    assert len(seen) == 3


def test_backward_hooks_replace_gradients():
    layer = nn.Linear(3, 2).double()
    x = mg.tensor(X.astype(float), requires_grad=True)
    layer.register_full_backward_pre_hook(lambda m, grads: (grads[0] * 2,))
    layer.register_full_backward_hook(lambda m, grad_input, grad_output: (grad_input[0] * 10,))
    layer(x).sum().backward()
    g = np.full((2, 2), 2.0)
    np.testing.assert_allclose(x.grad.numpy(), 10 * g @ layer.weight.detach().numpy())
    np.testing.assert_allclose(layer.bias.grad.numpy(), g.sum(0))


def test_backward_hooks_without_a_gradient_of_the_input():
    layer = nn.Linear(3, 2)
    seen = []
    layer.register_full_backward_hook(lambda m, *grads: seen.append(grads))
    layer(mg.tensor(X)).sum().backward()
    ((grad_input, grad_output),) = seen
    assert grad_input == (None,)
    assert grad_output[0].shape == (2, 2)


def test_backward_hooks_of_several_outputs_of_which_one_is_used():
    class Two(nn.Module):
        def forward(self, x, y):
            return x * 2, y * 3

    module, seen = Two(), []
    module.register_full_backward_hook(lambda m, *grads: seen.append(grads))
    x, y = (mg.tensor([v], requires_grad=True) for v in (1.0, 2.0))
    module(x, y)[1].backward()
    ((grad_input, grad_output),) = seen
    assert grad_input[0] is None or not grad_input[0].numpy().any()
    assert grad_output[0] is None
    assert grad_input[1].item() == y.grad.item() == 3
    assert x.grad is None or not x.grad.numpy().any()


def test_second_derivatives_pass_watched_modules():
    class Cube(nn.Module):
        def forward(self, x):
            return x * x * x

    module = Cube()
    module.register_full_backward_hook(lambda m, grad_input, grad_output: None)
    x = mg.tensor([2.0], requires_grad=True)
    (first,) = mg.autograd.grad(module(x).sum(), [x], create_graph=True)
    (second,) = mg.autograd.grad(first.sum(), [x])
    assert (first.item(), second.item()) == (12, 12)


def test_a_backward_hook_returns_as_many_gradients():
    layer = nn.Linear(3, 2)
    layer.register_full_backward_hook(lambda m, grad_input, grad_output: (1, 2))
    with pytest.raises(RuntimeError, match="2"):
        layer(mg.tensor(X)).sum().backward()


# -------------------------------------------------------------------------------------- parameters


def test_parameter_shares_memory_and_is_a_leaf():
    tensor = mg.tensor([1.0, 2.0])
    parameter = nn.Parameter(tensor)
    assert parameter.is_leaf
    assert parameter.requires_grad
    assert np.shares_memory(parameter.detach().numpy(), tensor.numpy())
    assert isinstance(parameter, mg.Tensor)
    assert type(parameter * 2) is mg.Tensor
    assert not nn.Parameter(tensor, requires_grad=False).requires_grad
    with pytest.raises(RuntimeError, match="floating"):
        nn.Parameter(mg.tensor([1, 2]))
    assert repr(parameter) == "Parameter containing:\ntensor([1., 2.], requires_grad=True)"


# -------------------------------------------------------------------------------------- containers


def test_sequential():
    layers = [nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)]
    net = nn.Sequential(*layers)
    assert len(net) == 3
    assert list(net) == layers
    assert net[-1] is layers[2]
    assert list(net[:2]) == layers[:2]
    assert list(net.append(nn.Tanh()))[-1] is net[3]
    net.insert(1, nn.Identity())
    assert [type(m).__name__ for m in net] == ["Linear", "Identity", "ReLU", "Linear", "Tanh"]
    assert list(net._modules) == ["0", "1", "2", "3", "4"]
    del net[1]
    assert isinstance(net.pop(-1), nn.Tanh)
    assert list(net) == layers
    net[1] = nn.Tanh()
    net.extend([nn.ReLU()])
    assert [type(m).__name__ for m in net] == ["Linear", "Tanh", "Linear", "ReLU"]
    named = nn.Sequential(OrderedDict(first=layers[0], last=layers[2]))
    assert named.first is layers[0]
    assert names(named[1:].named_children()) == ["last"]
    with pytest.raises(IndexError, match="4"):
        net[4]
    with pytest.raises(TypeError):
        nn.Sequential(3)
    with pytest.raises(TypeError):
        net.insert(0, 3)


def test_sequential_calls_in_order():
    first, second = nn.Linear(3, 4), nn.Linear(4, 2)
    x = mg.tensor(X)
    np.testing.assert_array_equal(
        nn.Sequential(first, nn.ReLU(), second)(x).detach().numpy(),
        second(mg.relu(first(x))).detach().numpy(),
    )
    assert nn.Sequential()(x) is x


def test_module_list():
    layers = nn.ModuleList([nn.Linear(2, 2) for _ in range(3)])
    layers.append(nn.ReLU())
    layers += [nn.Tanh()]
    assert len(layers) == 5
    assert isinstance(layers[1:3], nn.ModuleList)
    assert len(layers[::2]) == 3
    assert len(layers + nn.ModuleList([nn.ReLU()])) == 6
    layers[0] = nn.ReLU()
    assert names(layers.named_parameters()) == ["1.weight", "1.bias", "2.weight", "2.bias"]
    del layers[1:4]
    assert [type(m).__name__ for m in layers] == ["ReLU", "Tanh"]


def test_module_dict():
    modules = nn.ModuleDict({"a": nn.Linear(2, 3)})
    modules.update([("b", nn.ReLU())])
    modules["c"] = nn.Tanh()
    assert list(modules) == list(modules.keys()) == ["a", "b", "c"]
    assert "b" in modules
    assert isinstance(modules.pop("b"), nn.ReLU)
    assert len(modules) == len(list(modules.items())) == len(list(modules.values())) == 2
    modules.clear()
    assert not len(modules)
    with pytest.raises(KeyError):
        del modules["a"]
    with pytest.raises(TypeError):
        modules["d"] = 3


def test_parameter_list_and_dict():
    weights = nn.ParameterList([mg.zeros(2)])
    weights.append(mg.ones(3))
    weights += [nn.Parameter(mg.ones(1))]
    assert len(weights) == 3
    assert all(isinstance(p, nn.Parameter) for p in weights)
    assert names(weights.named_parameters()) == ["0", "1", "2"]
    weights[-1] = mg.zeros(5)
    assert weights[2].shape == (5,)
    assert len(weights[:2]) == 2
    with pytest.raises(IndexError):
        weights[3]
    with pytest.raises(TypeError):
        nn.ParameterList(mg.zeros(2))
    table = nn.ParameterDict({"a": mg.zeros(2)})
    table["b"] = mg.ones(3)
    assert list(table) == ["a", "b"]
    assert names(table.named_parameters()) == ["a", "b"]
    assert table.get("c") is None
    assert table.pop("a").shape == (2,)
    assert names(table.named_parameters()) == ["b"]
    table.clear()
    assert len(table) == 0
    with pytest.raises(KeyError):
        table["a"]
    with pytest.raises(KeyError):
        table["update"] = mg.zeros(1)


# ---------------------------------------------------------------------------------------- training


def test_a_network_learns_xor():
    mg.manual_seed(0)
    x = mg.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = mg.tensor([0, 1, 1, 0])
    net = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 2))
    loss_function = nn.CrossEntropyLoss()
    first = loss_function(net(x), y).item()
    for _ in range(300):
        net.zero_grad()
        loss = loss_function(net(x), y)
        loss.backward()
        with mg.no_grad():
            for parameter in net.parameters():
                parameter -= 0.5 * parameter.grad
    assert loss.item() < 0.05 < first
    assert (net(x).detach().numpy().argmax(1) == [0, 1, 1, 0]).all()


@pytest.mark.parametrize("container", [nn.Sequential, lambda *m: nn.ModuleList(m)])
def test_a_class_in_the_place_of_a_module(container):
    with pytest.raises(TypeError, match=r"the class ReLU; did you mean ReLU\(\.\.\.\)"):
        container(nn.Linear(1, 2), nn.ReLU)


def test_a_vector_for_a_layer_of_one_feature():
    with pytest.raises(ValueError, match="not aligned") as caught:
        nn.Linear(1, 16)(mg.ones(60))
    assert "did you mean x[:, None], 60 rows of one feature" in caught.value.__notes__[0]
    assert nn.Linear(1, 16)(mg.ones(60)[:, None]).shape == (60, 16)


def test_the_older_backward_hook():
    seen = []
    layer = mg.nn.Linear(2, 1)
    handle = layer.register_backward_hook(lambda m, gi, go: seen.append((gi[0].shape, go[0].shape)))
    x = mg.ones(3, 2, requires_grad=True)
    layer(x).sum().backward()
    handle.remove()
    layer(x).sum().backward()
    assert seen == [((3, 2), (3, 1))]
