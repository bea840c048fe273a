"""Distributions, transforms and divergences give PyTorch's numbers and gradients."""

from __future__ import annotations

import importlib
import pkgutil

import numpy as np
import pytest

import minigrad as mg
from tests.distribution_cases import COVARIANCE, ROWS, SIMPLEX, Row

torch = pytest.importorskip("torch")

# PyTorch compares float64 concentrations with a float32 zero, and stops
ASKED = [row for row in ROWS if row.name != "GeneralizedPareto"]
EACH = pytest.mark.parametrize("row", ASKED, ids=str)
pytestmark = pytest.mark.filterwarnings("ignore:Singular sample detected")


def number(value):
    """A tensor as an array; anything else as it is."""
    return value.detach().numpy() if hasattr(value, "detach") else value


def same(ours, theirs, tolerance=1e-9):
    assert tuple(ours.shape) == tuple(theirs.shape)
    np.testing.assert_allclose(number(ours), number(theirs), tolerance, 1e-10)


def text(distribution):
    return repr(distribution).replace("torch.Size([", "(").replace("])", ")").replace(",)", ")")


@EACH
def test_shapes_densities_and_repr(row):
    torch.manual_seed(0)
    ours, theirs = row.make(mg), row.make(torch)
    assert text(ours) == text(theirs) or text(theirs).endswith("()")  # it says nothing
    assert (ours.batch_shape, ours.event_shape) == (theirs.batch_shape, theirs.event_shape)
    assert ours.has_rsample == theirs.has_rsample
    x = theirs.sample((5,))
    loose = 1e-6 if row.name == "VonMises" else 1e-9  # its Bessel functions have eight digits
    same(ours.log_prob(mg.tensor(x.numpy())), theirs.log_prob(x), loose)
    assert ours.sample((2,)).dtype == x.numpy().dtype


@EACH
@pytest.mark.parametrize("name", ["mean", "mode", "variance", "stddev", "entropy", "perplexity",
                                  "enumerate_support", "cdf", "icdf", "support"])  # fmt: skip
def test_what_it_can_say(row, name):
    def ask(library):
        torch.manual_seed(0)
        d = row.make(library)
        if name in ("cdf", "icdf"):
            x = row.make(torch).sample((3,)).numpy() if name == "cdf" else [[0.2], [0.9]]
            return getattr(d, name)(library.tensor(np.asarray(x)))
        member = getattr(d, name)
        return member() if callable(member) and name != "support" else member

    try:
        expected = ask(torch)
    except (NotImplementedError, AttributeError):
        return
    if name == "cdf" and row.name in ("Gamma", "InverseGamma", "Chi2"):
        return  # it needs the incomplete gamma function
    if name == "mode" and row.name in ("Weibull", "Kumaraswamy"):
        return  # NaN there: of Weibull's for a concentration below 1, of the other's above 1
    if name == "support":
        found = ask(mg)
        assert found.event_dim == expected.event_dim
        assert found.is_discrete == expected.is_discrete
        return
    same(ask(mg), expected, 1e-6)


@EACH
def test_gradients_of_log_prob(row):
    torch.manual_seed(0)
    here, there = row.tensors(mg, grad=True), row.tensors(torch, grad=True)
    ours, theirs = row.make(mg, here), row.make(torch, there)
    x = theirs.sample((4,))
    weights = np.random.default_rng(0).standard_normal((4, *theirs.batch_shape))
    (theirs.log_prob(x) * torch.tensor(weights)).sum().backward()
    (ours.log_prob(mg.tensor(x.numpy())) * mg.tensor(weights)).sum().backward()
    for name, b in there.items():
        if b.grad is not None:
            lower = row.name == "Wishart" and name == "scale_tril"  # above it nothing is read
            expected = b.grad.tril() if lower else b.grad
            same(here[name].grad, expected, 1e-5 if row.name == "VonMises" else 1e-7)


@pytest.mark.parametrize("name", ["mean", "mode", "variance", "entropy"])
@EACH
def test_gradients_of_what_it_can_say(row, name):
    here, there = row.tensors(mg, grad=True), row.tensors(torch, grad=True)

    def ask(library, tensors):
        member = getattr(row.make(library, tensors), name)
        return member() if callable(member) else member

    try:
        expected = ask(torch, there)
    except (NotImplementedError, AttributeError):
        return
    if not expected.requires_grad or not torch.isfinite(expected).all():
        return
    found = ask(mg, here)
    assert found.requires_grad
    weights = np.random.default_rng(0).standard_normal(expected.shape)
    (expected * torch.tensor(weights)).sum().backward()
    (found * mg.tensor(weights)).sum().backward()
    for key, b in there.items():
        if b.grad is not None:
            same(here[key].grad, b.grad, 1e-4 if row.name == "ContinuousBernoulli" else 1e-5)


def test_the_generalized_pareto_distribution_in_float32():
    given = {"loc": 0.5, "scale": 2.0, "concentration": 0.3}
    tensors = [{k: m.tensor(v, dtype=m.float32) for k, v in given.items()} for m in (mg, torch)]
    ours = mg.distributions.GeneralizedPareto(**tensors[0])
    theirs = torch.distributions.GeneralizedPareto(**tensors[1])
    assert text(ours).partition("(")[0] == text(theirs).partition("(")[0]
    x = theirs.sample((5,))
    for name in ("log_prob", "cdf", "log_cdf", "log_survival_function"):
        same(getattr(ours, name)(mg.tensor(x.numpy())), getattr(theirs, name)(x), 1e-5)
    u = np.array([0.1, 0.9], np.float32)
    same(ours.icdf(mg.tensor(u)), theirs.icdf(torch.tensor(u)), 1e-5)
    for name in ("mean", "mode", "variance"):
        same(getattr(ours, name), getattr(theirs, name), 1e-5)
    same(ours.entropy(), theirs.entropy(), 1e-5)


# -------------------------------------------------------------------------------------- divergences


def pairs():
    found = []
    for row in ROWS:
        if row.name in ("MultivariateNormal", "Uniform"):
            continue
        moved = {
            k: np.asarray(v) * (1.1 if np.asarray(v).dtype.kind == "f" else 1)
            for k, v in row.parameters.items()
            if k != "probs"
        }
        moved |= {k: np.asarray(v) * 0.9 + 0.02 for k, v in row.parameters.items() if k == "probs"}
        found.append((row, Row(row.name, moved, None, row.fixed)))
    mvn = {"loc": [1.0, 0.0, 2.0], "covariance_matrix": COVARIANCE}
    other = {"loc": [0.0, 0.5, 2.0], "covariance_matrix": COVARIANCE + np.eye(3)}
    found.append((Row("MultivariateNormal", mvn), Row("MultivariateNormal", other)))
    uniform = Row("Uniform", {"low": [0.0, 0.0], "high": [1.0, 3.0]})
    found.append((uniform, Row("Uniform", {"low": [-1.0, 1.0], "high": [2.0, 3.0]})))
    found.append((uniform, Row("Normal", {"loc": [0.5, 1.0], "scale": [1.0, 2.0]})))
    return found


@pytest.mark.parametrize(("p", "q"), pairs(), ids=lambda row: str(row))
def test_kl_divergence(p, q):
    theirs = [row.make(torch) for row in (p, q)]
    try:
        expected = torch.distributions.kl_divergence(*theirs)
    except NotImplementedError:
        return
    known = {"Normal", "MultivariateNormal", "Bernoulli", "Categorical", "Uniform", "Beta", "Gamma",
             "Dirichlet", "Laplace"}  # fmt: skip
    try:
        same(mg.distributions.kl_divergence(p.make(mg), q.make(mg)), expected, 1e-7)
    except NotImplementedError:
        assert p.name not in known


def test_kl_divergence_of_independents_and_transformed():
    for library in (mg, torch):
        d = library.distributions
        p = d.Independent(d.Normal(library.zeros(2, 3), library.ones(2, 3)), 1)
        q = d.Independent(d.Normal(library.ones(2, 3), library.ones(2, 3)), 1)
        assert d.kl_divergence(p, q).tolist() == [1.5, 1.5]
        tanh = [d.transforms.TanhTransform()]
        a = d.TransformedDistribution(d.Normal(0.0, 1.0), tanh)
        b = d.TransformedDistribution(d.Normal(1.0, 1.0), tanh)
        assert d.kl_divergence(a, b).item() == 0.5


# --------------------------------------------------------------------------------------- transforms


def transforms(library):
    d = library.distributions
    t = d.transforms
    one = library.tensor([1.0, -2.0], dtype=library.float64)
    return {
        "exp": t.ExpTransform(), "sigmoid": t.SigmoidTransform(), "tanh": t.TanhTransform(),
        "softplus": t.SoftplusTransform(), "affine": t.AffineTransform(1.0, -2.0),
        "affine of tensors": t.AffineTransform(one, one * 3),
        "affine event": t.AffineTransform(one, one, event_dim=1),
        "stick": t.StickBreakingTransform(), "reshape": t.ReshapeTransform((2,), (2, 1)),
        "independent": t.IndependentTransform(t.ExpTransform(), 1),
        "compose": t.ComposeTransform([t.AffineTransform(0.5, 2.0), t.TanhTransform()]),
        "compose stick": t.ComposeTransform([t.AffineTransform(one, 2.0),
                                             t.StickBreakingTransform()]),
        "inverse": t.SigmoidTransform().inv.inv, "identity": t.identity_transform,
        "power": t.ComposeTransform([t.ExpTransform(), t.PowerTransform(2.0)]),
        "cat": t.CatTransform([t.ExpTransform(), t.TanhTransform()], dim=-1),
        "stack": t.StackTransform([t.ExpTransform(), t.TanhTransform()], dim=-1),
        "cdf": t.CumulativeDistributionTransform(d.Normal(0.0, 1.0)),
        "positive": d.biject_to(d.constraints.greater_than(2.0)),
        "interval": d.biject_to(d.constraints.interval(-1.0, 3.0)),
        "simplex": d.biject_to(d.constraints.simplex),
    }  # fmt: skip


@pytest.mark.parametrize("name", transforms(mg))
def test_transforms(name):
    x = np.random.default_rng(0).standard_normal((3, 2))
    ours, theirs = transforms(mg)[name], transforms(torch)[name]
    a, b = mg.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    y, expected = ours(a), theirs(b)
    same(y, expected)
    same(ours.inv(y), b)
    assert ours.bijective == theirs.bijective
    for side in ("domain", "codomain"):
        assert getattr(ours, side).event_dim == getattr(theirs, side).event_dim
    assert tuple(ours.forward_shape((4, 2))) == tuple(theirs.forward_shape((4, 2)))
    slope, wanted = ours.log_abs_det_jacobian(a, y), theirs.log_abs_det_jacobian(b, expected)
    wanted = wanted.expand(slope.shape) if name == "positive" else wanted
    same(slope, wanted)
    (y.sum() + slope.sum()).backward()
    (expected.sum() + wanted.sum()).backward()
    same(a.grad, b.grad)


@pytest.mark.parametrize("n", [2, 3, 4])
def test_correlations_as_free_numbers(n):
    x = np.random.default_rng(0).standard_normal((5, n * (n - 1) // 2))
    found = []
    for library in (mg, torch):
        t = library.distributions.CorrCholeskyTransform()
        a = library.tensor(x, requires_grad=True)
        y = t(a)
        slope = t.log_abs_det_jacobian(a, y)
        (y.sum() + slope.sum()).backward()
        base = library.distributions.Normal(library.zeros(x.shape[1]).double(), 1.0)
        made = library.distributions.TransformedDistribution(base, [t])
        assert t.forward_shape((7, x.shape[1])) == (7, n, n)
        assert t.inverse_shape((7, n, n)) == (7, x.shape[1])
        back = t.inv(y.detach())
        shapes = made.rsample((2,)).detach() * 0
        assert library.distributions.constraints.corr_cholesky.check(y.detach()).all()
        found.append([y, slope, a.grad, made.log_prob(y.detach()), back, shapes])
    for ours, theirs in zip(*found, strict=True):
        same(ours, theirs)
    with pytest.raises(ValueError, match="do not fill"):
        mg.distributions.CorrCholeskyTransform()(mg.zeros(2))


@pytest.mark.parametrize("name", [n for n in transforms(mg) if n not in ("cat", "stack", "cdf")])
def test_transformed_distributions(name):
    rng = np.random.default_rng(0)
    loc = rng.standard_normal((3, 2))
    x = rng.standard_normal((3, 2))

    def build(library):
        d = library.distributions
        base = d.Normal(library.tensor(loc), library.tensor(np.exp(loc / 2)))
        return d.TransformedDistribution(base, [transforms(library)[name]])

    ours, theirs = build(mg), build(torch)
    assert ours.batch_shape == tuple(theirs.batch_shape)
    assert ours.event_shape == tuple(theirs.event_shape)
    y = transforms(torch)[name](torch.tensor(x))
    same(ours.log_prob(mg.tensor(y.numpy())), theirs.log_prob(y))
    drawn = ours.rsample((4,))
    assert drawn.shape == tuple(theirs.rsample((4,)).shape)
    if not ours.event_shape and name != "identity":
        same(ours.cdf(mg.tensor(y.numpy())), theirs.cdf(y))


def test_a_mixture():
    rng = np.random.default_rng(0)
    weights, loc, scale = rng.random((2, 3)), rng.standard_normal((2, 3, 2)), rng.random((2, 3, 2))

    def build(library, event):
        d = library.distributions
        mixture = d.Categorical(library.tensor(weights))
        parts = d.Normal(library.tensor(loc), library.tensor(scale))
        parts = (
            d.Independent(parts, 1)
            if event
            else d.Normal(library.tensor(loc[..., 0]), library.tensor(scale[..., 0]))
        )
        return d.MixtureSameFamily(mixture, parts)

    for event in (True, False):
        ours, theirs = build(mg, event), build(torch, event)
        assert text(ours).startswith("MixtureSameFamily(\n  Categorical(probs: (2, 3)")
        x = theirs.sample((4,))
        same(ours.log_prob(mg.tensor(x.numpy())), theirs.log_prob(x))
        same(ours.mean, theirs.mean)
        same(ours.variance, theirs.variance)
        mg.manual_seed(0)
        drawn = ours.sample((20_000,))
        assert drawn.shape == (20_000, *theirs.batch_shape, *theirs.event_shape)
        error = np.abs(drawn.numpy().mean(0) - ours.mean.numpy())
        assert (error < 5 * np.sqrt(ours.variance.numpy() / 20_000)).all()
    same(build(mg, False).cdf(mg.zeros(2)), build(torch, False).cdf(torch.zeros(2)), 1e-6)


# --------------------------------------------------------------------------------- names and paths

LEFT_OUT = {"exp_family"}


def test_modules_can_be_imported_by_pytorchs_paths():
    for module in pkgutil.iter_modules(torch.distributions.__path__):
        if module.name in LEFT_OUT:
            continue
        theirs = importlib.import_module(f"torch.distributions.{module.name}")
        ours = importlib.import_module(f"minigrad.distributions.{module.name}")
        missing = set(getattr(theirs, "__all__", [])) - set(dir(ours))
        assert missing <= {"MixtureSameFamilyConstraint"}


@pytest.mark.parametrize("name", ["boolean", "one_hot", "real", "positive", "nonnegative",
                                  "unit_interval", "nonnegative_integer", "positive_integer",
                                  "simplex", "lower_triangular", "lower_cholesky", "square",
                                  "symmetric", "positive_semidefinite", "positive_definite",
                                  "corr_cholesky",
                                  "real_vector"])  # fmt: skip
def test_constraints(name):
    candidates = [
        np.array([[0.2, 0.8], [1.0, 0.0]]), np.array([[0.0, 1.0], [1.0, 0.0]]),
        np.array([[2.0, 0.0], [0.5, 1.0]]), np.array([[2.0, 0.5], [0.5, 1.0]]),
        np.array([[-1.0, np.inf], [np.nan, 3.0]]), np.array([[1.0, 2.0], [2.0, 4.0]]), SIMPLEX,
    ]  # fmt: skip
    ours, theirs = getattr(mg.distributions.constraints, name), None
    theirs = getattr(torch.distributions.constraints, name)
    assert ours.event_dim == theirs.event_dim
    assert ours.is_discrete == theirs.is_discrete
    for x in candidates:
        if x.shape == (2, 3) and name in ("symmetric", "lower_cholesky"):
            continue
        if not np.isfinite(x).all() and "definite" in name:
            continue
        same(ours.check(mg.tensor(x)), theirs.check(torch.tensor(x)))
