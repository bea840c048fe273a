"""A Wasserstein GAN on points of a ring, with the penalty of gradients."""

import numpy as np
import torch
from torch import autograd, nn, optim

rng = np.random.default_rng(2)
one = torch.tensor(1, dtype=torch.float)
mone = one * -1


class Generator(nn.Module):
    def __init__(self, dim=16):
        super(Generator, self).__init__()
        self.main = nn.Sequential(
            nn.Linear(2, dim), nn.ReLU(True), nn.Linear(dim, dim), nn.ReLU(True), nn.Linear(dim, 2)
        )

    def forward(self, noise):
        return self.main(noise)


class Discriminator(nn.Module):
    def __init__(self, dim=16):
        super(Discriminator, self).__init__()
        self.main = nn.Sequential(
            nn.Linear(2, dim),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Linear(dim, dim),
            nn.SiLU(),
            nn.Linear(dim, 1),
        )

    def forward(self, inputs):
        return self.main(inputs).view(-1)


def weights_init(m):
    classname = m.__class__.__name__
    if classname.find("Linear") != -1:
        m.weight.data = torch.from_numpy(rng.normal(0.0, 0.3, m.weight.size())).to(m.weight)
        m.bias.data.fill_(0)


def calc_gradient_penalty(netD, real_data, fake_data, alpha):
    alpha = alpha.expand(real_data.size())
    interpolates = alpha * real_data + ((1 - alpha) * fake_data)
    interpolates = autograd.Variable(interpolates, requires_grad=True)
    disc_interpolates = netD(interpolates)
    gradients = autograd.grad(
        outputs=disc_interpolates,
        inputs=interpolates,
        grad_outputs=torch.ones(disc_interpolates.size()),
        create_graph=True,
        retain_graph=True,
        only_inputs=True,
    )[0]
    return ((gradients.norm(2, dim=1) - 1) ** 2).mean() * 10.0


netG, netD = Generator(), Discriminator()
netG.apply(weights_init)
netD.apply(weights_init)
optimizerD = optim.Adam(netD.parameters(), lr=1e-3, betas=(0.5, 0.9))
optimizerG = optim.Adam(netG.parameters(), lr=1e-3, betas=(0.5, 0.9))
losses = []
for _ in range(5):
    for p in netD.parameters():
        p.requires_grad = True
    for _iter_d in range(2):
        angle = rng.uniform(0, 2 * np.pi, 32)
        real = torch.FloatTensor(np.stack([np.cos(angle), np.sin(angle)], 1))
        netD.zero_grad()
        D_real = netD(real).mean()
        D_real.backward(mone)
        noise = torch.FloatTensor(rng.normal(size=(32, 2)))
        with torch.no_grad():
            noisev = autograd.Variable(noise)
        fake = autograd.Variable(netG(noisev).data)
        D_fake = netD(fake).mean()
        D_fake.backward(one)
        penalty = calc_gradient_penalty(
            netD, real.data, fake.data, torch.FloatTensor(rng.random((32, 1)))
        )
        penalty.backward()
        losses.append((D_fake - D_real + penalty).cpu().data.numpy().item())
        optimizerD.step()
    for p in netD.parameters():
        p.requires_grad = False
    netG.zero_grad()
    G = netD(netG(torch.FloatTensor(rng.normal(size=(32, 2))))).mean()
    G.backward(mone)
    optimizerG.step()
    losses.append(-G.item())
