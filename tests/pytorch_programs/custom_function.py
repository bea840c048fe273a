"""`autograd.Function`: a straight-through sign, and a polynomial with saved tensors."""

import math

import numpy as np
import torch
from torch import nn
from torch.autograd import Function, gradcheck


class LegendrePolynomial3(torch.autograd.Function):
    @staticmethod
    def forward(ctx, input):
        ctx.save_for_backward(input)
        return 0.5 * (5 * input**3 - 3 * input)

    @staticmethod
    def backward(ctx, grad_output):
        (input,) = ctx.saved_tensors
        return grad_output * 1.5 * (5 * input**2 - 1)


class SignSTE(Function):
    @staticmethod
    def forward(ctx, x, limit):
        ctx.save_for_backward(x)
        ctx.limit = limit
        return x.sign()

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        grad_input = grad_output.clone()
        grad_input[x.abs() > ctx.limit] = 0
        return grad_input, None


assert gradcheck(LegendrePolynomial3.apply, (torch.randn(5, dtype=torch.double).requires_grad_(),))
x = torch.linspace(-math.pi, math.pi, 200)
y = torch.sin(x)
a, b, c, d = [torch.full((), v, requires_grad=True) for v in (0.0, -1.0, 0.0, 0.3)]
losses = []
for t in range(30):
    y_pred = a + b * LegendrePolynomial3.apply(c + d * x)
    loss = (y_pred - y).pow(2).sum()
    losses.append(loss.item())
    loss.backward()
    with torch.no_grad():
        for p in (a, b, c, d):
            p -= 5e-6 * p.grad
            p.grad = None

rng = np.random.RandomState(18)
layer = nn.Linear(4, 3)
layer.weight.data = torch.from_numpy(rng.randn(3, 4)).float()
layer.bias.data.zero_()
inputs = torch.from_numpy(rng.randn(10, 4)).float()
optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
for _ in range(5):
    optimizer.zero_grad()
    loss = (SignSTE.apply(layer(inputs), 1.0) - 1).pow(2).mean()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
