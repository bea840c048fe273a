"""Every distribution, one property at a time: densities, samples, gradients, refusals."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from scipy import special, stats

import minigrad as mg
from minigrad import distributions as D
from tests.distribution_cases import CONTINUOUS, COVARIANCE, ROWS

EACH = pytest.mark.parametrize("row", ROWS, ids=str)
WITH_SCIPY = pytest.mark.parametrize("row", [r for r in ROWS if r.scipy], ids=str)
WITHOUT_ROW = {
    "Distribution", "ExponentialFamily", "Independent", "MixtureSameFamily",
    "TransformedDistribution",
}  # fmt: skip


def classes():
    found = {name: getattr(D, name) for name in D.__all__}
    return {n for n, c in found.items() if isinstance(c, type) and issubclass(c, D.Distribution)}


def test_every_distribution_is_in_the_table():
    assert classes() - WITHOUT_ROW == {row.name for row in ROWS}


def values(row, seed=1, n=4):
    """Values that the distribution can have."""
    mg.manual_seed(seed)
    return row.make(mg).sample((n,))


def wrapped(angle):
    """Angles in -π ... π."""
    return np.mod(np.asarray(angle) + np.pi, 2 * np.pi) - np.pi


@WITH_SCIPY
def test_log_densities_are_scipys(row):
    x, expected = values(row), row.reference()
    log = getattr(expected, "logpmf", None) if row not in CONTINUOUS else expected.logpdf
    found = row.make(mg).log_prob(x).numpy()
    np.testing.assert_allclose(found, log(x.numpy()), 1e-9, 1e-10)


@WITH_SCIPY
def test_distribution_functions_are_scipys(row):
    d, x, expected = row.make(mg), values(row), row.reference()
    for name, given, reference in (
        ("cdf", x, getattr(expected, "cdf", None)),
        ("icdf", mg.tensor([[0.1, 0.1], [0.7, 0.9]], dtype=mg.float64),
         getattr(expected, "ppf", None)),
    ):  # fmt: skip
        try:
            found = getattr(d, name)(given)
        except NotImplementedError:
            continue
        np.testing.assert_allclose(found.numpy(), reference(given.numpy()), 1e-8, 1e-10)


@WITH_SCIPY
def test_moments_are_scipys(row):
    d, expected = row.make(mg), row.reference()
    if row.name == "MultivariateNormal":
        np.testing.assert_allclose(d.variance.numpy(), np.diag(expected.cov), 1e-10)
        np.testing.assert_allclose(d.entropy().numpy(), expected.entropy(), 1e-10)
        return
    if row.name == "VonMises":
        return  # its variance is that of angles: a test below
    with np.errstate(all="ignore"):
        mean, variance = expected.mean(), expected.var()
    if row.name not in ("Cauchy", "HalfCauchy"):
        np.testing.assert_allclose(d.mean.numpy(), mean, 1e-9)
        np.testing.assert_allclose(d.variance.numpy(), variance, 1e-8)
        np.testing.assert_allclose(d.stddev.numpy() ** 2, d.variance.numpy(), 1e-10)
    try:
        found = d.entropy().numpy()
    except NotImplementedError:
        return
    np.testing.assert_allclose(found, expected.entropy(), 1e-6)


@EACH
def test_samples_follow_the_distribution(row):
    """Kolmogorov and Smirnov where there is a cdf; else mean and variance, to five deviations."""
    mg.manual_seed(7)
    n = 4000
    d = row.make(mg)
    x = d.sample((n,))
    assert not x.requires_grad
    assert x.shape == (n, *d.batch_shape, *d.event_shape)
    x = x.numpy()
    if row.name == "VonMises":
        x = row.parameters["loc"] + wrapped(x - row.parameters["loc"])
    if row in CONTINUOUS and row.scipy and row.name != "MultivariateNormal":
        for i in range(2):
            one = type(row)(row.name, {k: v[i] for k, v in row.parameters.items()}, row.scipy)
            assert stats.kstest(x[:, i], one.reference().cdf).pvalue > 1e-4
        return
    if row.name in ("Categorical", "LogisticNormal", "LKJCholesky") or row.name.startswith(
        "Relaxed"
    ):
        return
    mean, variance = d.mean.numpy(), d.variance.numpy()
    assert (np.abs(x.mean(0) - mean) < 5 * np.sqrt(variance / n)).all()
    assert (np.abs(x.var(0) / variance - 1) < 0.25).all()


@pytest.mark.parametrize("name", ["probs", "logits"])
def test_categories_come_as_often_as_they_should(name):
    p = np.array([0.1, 0.0, 0.6, 0.3])
    with np.errstate(divide="ignore"):
        given = {name: mg.tensor(p if name == "probs" else np.log(p))}
    mg.manual_seed(0)
    drawn = D.Categorical(**given).sample((10_000,)).numpy()
    share = np.bincount(drawn, minlength=4) / 10_000
    assert share[1] == 0
    assert (np.abs(share - p) <= 5 * np.sqrt(p * (1 - p) / 10_000)).all()
    assert drawn.dtype == np.int64


@EACH
def test_gradients_of_log_prob(row):
    d = row.make(mg)
    x = values(row, n=2)
    floating = [k for k, v in row.parameters.items() if np.asarray(v).dtype.kind == "f"]
    names = [k for k in floating if not k.endswith("_matrix")]  # these are symmetric

    def function(*parameters):
        given = {k: mg.tensor(np.asarray(v)) for k, v in row.parameters.items()}
        given |= dict(zip(names, parameters))
        made = getattr(D, row.name)(**given, **row.fixed, validate_args=False)
        return made.log_prob(x)

    tensors = [mg.tensor(np.asarray(row.parameters[k]), requires_grad=True) for k in names]
    assert d.batch_shape == function(*tensors).shape[1:]
    assert not tensors or mg.gradcheck(function, tensors)


REPARAMETRISED = [row for row in CONTINUOUS if getattr(D, row.name).has_rsample]


@pytest.mark.parametrize("row", REPARAMETRISED, ids=str)
def test_samples_move_with_their_parameters(row):
    """The same random numbers at parameters that differ a little: rsample's gradient."""
    gammas = {"Gamma", "InverseGamma", "Chi2", "Beta", "Dirichlet", "StudentT", "FisherSnedecor",
              "Wishart"}  # fmt: skip
    if row.name in gammas:
        return  # drawn by rejection: tests below
    floating = [k for k, v in row.parameters.items() if not k.endswith("_matrix")]

    def function(*parameters):
        given = {k: mg.tensor(np.asarray(v)) for k, v in row.parameters.items()}
        given |= dict(zip(floating, parameters))
        mg.manual_seed(11)
        return getattr(D, row.name)(**given, **row.fixed, validate_args=False).rsample((2,))

    tensors = [mg.tensor(np.asarray(row.parameters[k]), requires_grad=True) for k in floating]
    assert mg.gradcheck(function, tensors)


@pytest.mark.parametrize("alpha", [0.05, 0.4, 1.0, 3.0, 30.0, 1000.0])
def test_a_gamma_sample_moves_along_its_quantile(alpha):
    """dz/dα at a fixed probability, by differences of SciPy's quantile function."""
    from minigrad.distributions.gamma import _standard_gamma

    p = np.array([0.02, 0.3, 0.5, 0.9, 0.999])
    z = stats.gamma(alpha).ppf(p)
    a = mg.tensor(np.full(5, alpha), requires_grad=True)
    _standard_gamma(a, z).sum().backward()
    h = alpha * 1e-5
    expected = (stats.gamma(alpha + h).ppf(p) - stats.gamma(alpha - h).ppf(p)) / (2 * h)
    np.testing.assert_allclose(a.grad.numpy(), expected, 2e-5, 1e-30)
    single = mg.tensor(np.full(5, alpha, np.float32), requires_grad=True)
    _standard_gamma(single, z.astype(np.float32)).sum().backward()
    assert single.grad.dtype == np.float32
    again = mg.autograd.grad(_standard_gamma(a, z).sum(), a, create_graph=True)[0]
    with pytest.raises(NotImplementedError, match="no second"):
        again.sum().backward()


@pytest.mark.parametrize("name", ["Gamma", "Beta", "Dirichlet", "StudentT", "Chi2", "Wishart"])
def test_means_of_samples_have_the_gradient_of_the_mean(name):
    row = next(row for row in CONTINUOUS if row.name == name)
    mg.manual_seed(3)
    given = row.tensors(mg, grad=True)
    d, tensors = row.make(mg, given), list(given.values())
    n = 20_000
    draws = d.rsample((n,))
    cotangent = mg.tensor(np.random.default_rng(0).standard_normal(d.mean.shape))
    found = mg.autograd.grad(
        (draws.mean(0) * cotangent).sum(), tensors, retain_graph=True, allow_unused=True
    )
    expected = mg.autograd.grad((d.mean * cotangent).sum(), tensors, allow_unused=True)
    for key, a, b in zip(given, found, expected, strict=True):
        if b is not None:
            if key.endswith("_matrix"):  # of which only the symmetric part is one
                a, b = a + a.mT, b + b.mT
            np.testing.assert_allclose(a.numpy(), b.numpy(), 0.05, 0.05)


@EACH
def test_float32_stays_float32(row):
    single = type(row)(
        row.name,
        {k: np.asarray(v, np.float32) if np.asarray(v).dtype.kind == "f" else v
         for k, v in row.parameters.items()}, None, row.fixed,
    )  # fmt: skip
    d = single.make(mg)
    x = d.sample((3,))
    assert x.dtype == (np.int64 if row.name == "Categorical" else np.float32)
    assert d.log_prob(x).dtype == np.float32


@EACH
def test_expanded_it_is_the_same(row):
    d = row.make(mg)
    d.log_prob(d.sample())
    wide = d.expand((3, *d.batch_shape))
    assert wide.batch_shape == (3, *d.batch_shape)
    assert wide.event_shape == d.event_shape
    x = values(row, n=3)
    np.testing.assert_allclose(wide.log_prob(x).numpy(), d.log_prob(x).numpy(), 1e-12)
    assert wide.sample((2,)).shape == (2, *wide.batch_shape, *wide.event_shape)


@pytest.mark.parametrize("row", [r for r in ROWS if getattr(D, r.name).has_enumerate_support],
                         ids=str)  # fmt: skip
def test_all_values_together_are_certain(row):
    d = row.make(mg)
    try:
        support = d.enumerate_support()
    except NotImplementedError:
        return  # several numbers of trials
    total = d.log_prob(support).exp().sum(0).numpy()
    np.testing.assert_allclose(total, 1, 1e-12)
    entropy = -(d.log_prob(support).exp() * d.log_prob(support)).sum(0)
    np.testing.assert_allclose(d.entropy().numpy(), entropy.numpy(), 1e-9)


# --------------------------------------------------------------------- distributions of their own


@pytest.mark.parametrize("logit", [-800.0, -30.0, -1.0, -0.049, -1e-5, 0.0, 2e-4, 0.06, 5.0, 700.0])
def test_continuous_bernoulli_against_its_integrals(logit):
    """All moments by mpmath's quadrature of the density, which is e^(s x) up to a factor."""
    s = mpmath.mpf(logit)
    ends = [0, 1] if abs(logit) < 20 else [0, *([10 / abs(s)] if s < 0 else [1 - 10 / s]), 1]

    def integral(of):
        return mpmath.quad(lambda x: of(x) * mpmath.exp(s * x - max(s, 0)), ends)

    total = integral(lambda x: 1)
    mean = integral(lambda x: x) / total
    d = D.ContinuousBernoulli(logits=mg.tensor(logit, dtype=mg.float64, requires_grad=True))
    norm = mpmath.log(total) + max(s, 0)
    close = {"rtol": 1e-10, "atol": 1e-12}
    np.testing.assert_allclose(d.mean.item(), float(mean), **close)
    square = integral(lambda x: (x - mean) ** 2) / total
    np.testing.assert_allclose(d.variance.item(), float(square), 1e-8)
    np.testing.assert_allclose(d.entropy().item(), float(norm - s * mean), 1e-9, 1e-9)
    x = mg.tensor([0.0, 0.3, 1.0], dtype=mg.float64)
    log_prob = d.log_prob(x)
    np.testing.assert_allclose(log_prob.tolist(), [float(s * t - norm) for t in x.tolist()], 1e-11)
    (slope,) = mg.autograd.grad(log_prob.sum(), d.logits)
    np.testing.assert_allclose(slope.item(), float(mpmath.mpf("1.3") - 3 * mean), 1e-9, 1e-10)
    u = mg.tensor([0.1, 0.5, 0.99], dtype=mg.float64)
    np.testing.assert_allclose(d.cdf(d.icdf(u)).tolist(), u.tolist(), 1e-9)


def test_wishart_is_scipys():
    V, nu = COVARIANCE, 4.5
    ours, theirs = D.Wishart(nu, mg.tensor(V)), stats.wishart(nu, V)
    mg.manual_seed(0)
    x = ours.sample((5,))
    expected = [theirs.logpdf(each) for each in x.numpy()]
    np.testing.assert_allclose(ours.log_prob(x).numpy(), expected, 1e-10)
    np.testing.assert_allclose(ours.mean.numpy(), theirs.mean(), 1e-12)
    np.testing.assert_allclose(ours.variance.numpy(), theirs.var(), 1e-12)
    np.testing.assert_allclose(ours.mode.numpy(), theirs.mode(), 1e-12)
    np.testing.assert_allclose(ours.entropy().item(), theirs.entropy(), 1e-12)
    with pytest.raises(ValueError, match="df is above 2"):
        D.Wishart(2.0, mg.tensor(V))
    with pytest.raises(ValueError, match="give one of"):
        D.Wishart(4.0, mg.tensor(V), scale_tril=mg.tensor(V))
    with pytest.warns(UserWarning, match="nearly singular"):
        D.Wishart(2.5, mg.tensor(V))


@pytest.mark.parametrize("eta", [0.6, 1.0, 3.0])
@pytest.mark.parametrize("n", [2, 3, 5])
def test_correlations_of_lkj_are_betas(n, eta):
    """Each correlation r has (1 + r) / 2 ~ Beta(b, b) with b = η - 1 + n / 2."""
    mg.manual_seed(5)
    L = D.LKJCholesky(n, eta).sample((3000,)).numpy().astype(float)
    matrices = L @ L.swapaxes(-1, -2)
    np.testing.assert_allclose(np.diagonal(matrices, axis1=1, axis2=2), 1, 1e-5)
    b = eta - 1 + n / 2
    for i, j in zip(*np.tril_indices(n, -1)):
        half = np.clip((1 + matrices[:, i, j]) / 2, 0, 1)
        assert stats.kstest(half, stats.beta(b, b).cdf).pvalue > 1e-4


@pytest.mark.parametrize("eta", [0.6, 1.0, 3.0])
def test_the_density_of_lkj_is_certain(eta):
    """Over the two-by-two factors, of which one number is free."""
    angle = np.linspace(0, np.pi, 20_001)[1:-1]  # r = cos φ: the integrand has no pole
    factors = np.zeros((angle.size, 2, 2))
    factors[:, 0, 0], factors[:, 1, 0], factors[:, 1, 1] = 1, np.cos(angle), np.sin(angle)
    d = D.LKJCholesky(2, mg.tensor(eta, dtype=mg.float64))
    density = d.log_prob(mg.tensor(factors)).exp().numpy()
    # dr = sin φ dφ
    np.testing.assert_allclose((density * np.sin(angle)).sum() * np.pi / 20_000, 1, 1e-3)


def test_von_mises_far_out():
    d = D.VonMises(mg.tensor(0.3, dtype=mg.float64), mg.tensor(5000.0, dtype=mg.float64))
    expected = stats.vonmises(5000.0, 0.3)
    np.testing.assert_allclose(d.log_prob(mg.tensor(0.31)).item(), expected.logpdf(0.31), 1e-6)
    first, zeroth = special.ive(1, 5000.0), special.ive(0, 5000.0)
    np.testing.assert_allclose(d.variance.item(), 1 - first / zeroth, 1e-9)
    mg.manual_seed(0)
    drawn = D.VonMises(3.0, 0.5).sample((1000,)).numpy()
    assert -np.pi <= drawn.min() < -2
    assert 2 < drawn.max() <= np.pi


@pytest.mark.parametrize("name", ["mean", "mode", "variance"])
@pytest.mark.parametrize("row", CONTINUOUS, ids=str)
def test_gradients_of_moments(row, name):
    floating = [k for k in row.parameters if not k.endswith("_matrix")]

    def function(*parameters):
        given = {k: mg.tensor(np.asarray(v)) for k, v in row.parameters.items()}
        given |= dict(zip(floating, parameters))
        made = getattr(D, row.name)(**given, **row.fixed, validate_args=False)
        return getattr(made, name)

    tensors = [mg.tensor(np.asarray(row.parameters[k]), requires_grad=True) for k in floating]
    try:
        moment = function(*tensors)
    except NotImplementedError:
        return
    if moment.requires_grad and np.isfinite(moment.detach().numpy()).all():
        assert mg.gradcheck(function, tensors)


# ---------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(("make", "says"), [
    (lambda: D.Normal(0.0, -1.0), "scale"), (lambda: D.Normal(mg.zeros(2), mg.zeros(2)), "scale"),
    (lambda: D.Normal(float("nan"), 1.0), "loc"), (lambda: D.Uniform(1.0, 1.0), "low"),
    (lambda: D.Bernoulli(1.5), "probs"), (lambda: D.Bernoulli(), "probs or logits"),
    (lambda: D.Bernoulli(0.5, 0.5), "probs or logits"), (lambda: D.Geometric(0.0), "positive"),
    (lambda: D.Categorical(mg.tensor([-1.0, 2.0])), "probs"),
    (lambda: D.Categorical(mg.tensor(1.0)), "axis"), (lambda: D.Gamma(0.0, 1.0), "concentration"),
    (lambda: D.Dirichlet(mg.tensor(1.0)), "axis"), (lambda: D.Poisson(-1.0), "rate"),
    (lambda: D.MultivariateNormal(mg.zeros(2)), "one of"),
    (lambda: D.MultivariateNormal(mg.zeros(2), mg.eye(2) * -1), "covariance_matrix"),
    (lambda: D.MultivariateNormal(mg.zeros(2), scale_tril=mg.ones(2, 2)), "scale_tril"),
    (lambda: D.MultivariateNormal(mg.zeros(2), mg.zeros(2)), "matrix"),
    (lambda: D.Independent(D.Normal(0.0, 1.0), 1), "batch axes"),
    (lambda: D.MixtureSameFamily(D.Normal(0.0, 1.0), D.Normal(0.0, 1.0)), "Categorical"),
    (lambda: D.TransformedDistribution(D.Normal(0.0, 1.0), [3]), "transforms"),
    (lambda: D.Normal(0.0, 1.0).log_prob(0.0), "tensor"),
    (lambda: D.Normal(mg.zeros(3), 1.0).log_prob(mg.zeros(2)), "shape"),
    (lambda: D.Exponential(1.0).log_prob(mg.tensor(-1.0)), "value"),
    (lambda: D.Bernoulli(0.5).log_prob(mg.tensor(0.5)), "value"),
    (lambda: D.Categorical(mg.ones(2)).log_prob(mg.tensor(2)), "value"),
    (lambda: D.Beta(1.0, 1.0).log_prob(mg.tensor(1.5)), "value"),
])  # fmt: skip
def test_what_makes_no_sense_is_refused(make, says):
    with pytest.raises(ValueError, match=says):
        make()


def test_checks_can_be_left_out():
    assert D.Normal(0.0, -1.0, validate_args=False).scale.item() == -1
    D.Distribution.set_default_validate_args(False)
    try:
        D.Normal(0.0, -1.0)
    finally:
        D.Distribution.set_default_validate_args(True)


@pytest.mark.parametrize(("name", "parameters", "mode"), [
    ("Kumaraswamy", (3.0, 2.0), (2 / 5) ** (1 / 3)), ("Weibull", (2.0, 0.5), 0.0),
    ("Beta", (3.0, 2.0), 2 / 3), ("Beta", (0.5, 2.0), 0.0), ("Weibull", (2.0, 2.0), 2**0.5),
])  # fmt: skip
def test_modes_where_the_density_is_highest(name, parameters, mode):
    d = getattr(D, name)(*parameters)
    assert d.mode.item() == pytest.approx(mode, rel=1e-6)
    x = mg.linspace(0.001, 0.999, 999)
    best = x[d.log_prob(x).argmax()].item()
    assert abs(best - d.mode.item()) < 0.002 or mode > 1


@pytest.mark.parametrize("name", ["rsample", "cdf", "icdf"])
def test_what_a_distribution_cannot_do_it_says(name):
    with pytest.raises(NotImplementedError, match="Categorical"):
        getattr(D.Categorical(mg.ones(2)), name)(*([] if name == "rsample" else [mg.ones(2)]))
    with pytest.raises(NotImplementedError, match="Normal and Cauchy"):
        D.kl_divergence(D.Normal(0.0, 1.0), D.Cauchy(0.0, 1.0))
