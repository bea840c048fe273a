"""Hooks: activations kept, gradients scaled and watched, saliency of an input, Grad-CAM."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

rng = np.random.RandomState(20)
model = nn.Sequential(
    nn.Conv2d(1, 3, 3, padding=1),
    nn.ReLU(),
    nn.AdaptiveAvgPool2d(2),
    nn.Flatten(),
    nn.Linear(12, 2),
)
for p in model.parameters():
    p.data = torch.from_numpy(rng.normal(0, 0.4, p.shape)).float()
activation, gradient, norms, order = {}, {}, [], []


def get_activation(name):
    def hook(module, input, output):
        activation[name] = output.detach()

    return hook


def keep_gradient(module, grad_input, grad_output):
    gradient["conv"] = grad_output[0].detach()


handles = [
    model[0].register_forward_hook(get_activation("conv")),
    model[0].register_full_backward_hook(keep_gradient),
    model[4].register_forward_pre_hook(lambda m, args: order.append(tuple(args[0].shape))),
    model[4].weight.register_hook(lambda g: g * 2),
    model[4].bias.register_hook(lambda g: norms.append(g.norm().item())),
]
x = torch.from_numpy(rng.randn(4, 1, 6, 6)).float().requires_grad_()
y = torch.tensor([0, 1, 1, 0])
losses = []
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for step in range(8):
    optimizer.zero_grad()
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
weights = gradient["conv"].mean(dim=(2, 3), keepdim=True)
cam = F.relu((weights * activation["conv"]).sum(1))
losses += [cam.sum().item(), x.grad.abs().max().item(), *norms]
for handle in handles:
    handle.remove()
model(x)
assert len(order) == 8
hidden = model[:4](x)
hidden.retain_grad()
model[4](hidden).sum().backward()
losses.append(hidden.grad.sum().item())
