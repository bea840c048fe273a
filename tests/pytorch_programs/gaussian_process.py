"""A Gaussian process whose hyperparameters Adam finds: Cholesky, solves, log-determinants."""

import math

import numpy as np
import torch

rng = np.random.RandomState(14)
X = torch.tensor(np.sort(rng.uniform(0, 6, 20))[:, None])
y = torch.sin(X).squeeze(-1) + 0.1 * torch.from_numpy(rng.randn(20))

log_lengthscale = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))
log_variance = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))
log_noise = torch.nn.Parameter(torch.tensor([-1.0], dtype=torch.float64))


def kernel(a, b):
    distance = torch.cdist(a, b) ** 2
    return log_variance.exp() * torch.exp(-0.5 * distance / log_lengthscale.exp() ** 2)


optimizer = torch.optim.Adam([log_lengthscale, log_variance, log_noise], lr=0.1)
losses = []
for step in range(25):
    optimizer.zero_grad()
    K = kernel(X, X + 1e-9) + (log_noise.exp() ** 2 + 1e-6) * torch.eye(20, dtype=torch.float64)
    L = torch.linalg.cholesky(K)
    alpha = torch.cholesky_solve(y.unsqueeze(1), L)
    log_det = 2 * L.diagonal().log().sum()
    nll = 0.5 * (y @ alpha.squeeze() + log_det + 20 * math.log(2 * math.pi))
    mvn = torch.distributions.MultivariateNormal(torch.zeros(20, dtype=torch.float64), K)
    assert torch.allclose(nll, -mvn.log_prob(y))
    nll.backward()
    optimizer.step()
    losses.append(nll.item())
with torch.no_grad():
    x_new = torch.linspace(0, 6, 7, dtype=torch.float64)[:, None]
    k = kernel(x_new, X)
    mean = k @ torch.linalg.solve(K, y)
losses += mean.tolist()
