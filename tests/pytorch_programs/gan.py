"""A generative adversarial network on a line: two optimizers, detached fakes, real labels."""

import numpy as np
import torch
import torch.nn as nn
from torch.autograd import Variable

rng = np.random.RandomState(3)
generator = nn.Sequential(nn.Linear(2, 8), nn.LeakyReLU(0.2), nn.Linear(8, 1))
discriminator = nn.Sequential(
    nn.Linear(1, 8), nn.LeakyReLU(0.2, inplace=True), nn.Linear(8, 1), nn.Sigmoid()
)


def weights_init(m):
    classname = m.__class__.__name__
    if classname.find("Linear") != -1:
        m.weight.data = torch.from_numpy(rng.normal(0.0, 0.5, m.weight.shape).astype("float32"))
        m.bias.data.fill_(0.1)


generator.apply(weights_init)
discriminator.apply(weights_init)
criterion = nn.BCELoss()
opt_d = torch.optim.Adam(discriminator.parameters(), lr=0.01, betas=(0.5, 0.999))
opt_g = torch.optim.Adam(generator.parameters(), lr=0.01, betas=(0.5, 0.999))
losses = []
for step in range(20):
    real = Variable(torch.from_numpy(rng.normal(3, 0.5, (16, 1)).astype("float32")))
    noise = Variable(torch.FloatTensor(rng.randn(16, 2)))
    ones, zeros = Variable(torch.ones(16, 1)), Variable(torch.zeros(16, 1))

    discriminator.zero_grad()
    fake = generator(noise)
    d_loss = criterion(discriminator(real), ones) + criterion(discriminator(fake.detach()), zeros)
    d_loss.backward()
    opt_d.step()

    generator.zero_grad()
    g_loss = criterion(discriminator(fake), ones)
    g_loss.backward()
    opt_g.step()
    losses.append(d_loss.item() + g_loss.item())
