"""A spatial transformer: a network finds the affine map that straightens its input."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

rng = np.random.RandomState(2)


class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()
        self.conv1 = nn.Conv2d(1, 4, kernel_size=3)
        self.fc = nn.Linear(4 * 5 * 5, 2)
        self.localization = nn.Sequential(
            nn.Conv2d(1, 3, kernel_size=3), nn.MaxPool2d(2, stride=2), nn.ReLU(True)
        )
        self.fc_loc = nn.Sequential(nn.Linear(3 * 5 * 5, 8), nn.ReLU(True), nn.Linear(8, 3 * 2))
        self.fc_loc[2].weight.data.zero_()
        self.fc_loc[2].bias.data.copy_(torch.tensor([1, 0, 0, 0, 1, 0], dtype=torch.float))

    def stn(self, x):
        xs = self.localization(x)
        xs = xs.view(-1, 3 * 5 * 5)
        theta = self.fc_loc(xs).view(-1, 2, 3)
        grid = F.affine_grid(theta, x.size(), align_corners=False)
        return F.grid_sample(x, grid, align_corners=False)

    def forward(self, x):
        x = self.stn(x)
        x = F.relu(F.max_pool2d(self.conv1(x), 2))
        return F.log_softmax(self.fc(x.view(x.size(0), -1)), dim=1)


images = rng.rand(16, 1, 12, 12).astype("float32")
labels = torch.from_numpy(
    (images[:, 0, :6].mean((1, 2)) > images[:, 0, 6:].mean((1, 2))).astype(int)
)
images = torch.from_numpy(images)
model = Net()
for name, p in model.named_parameters():
    if not name.startswith("fc_loc.2"):
        p.data = torch.from_numpy(0.2 * rng.randn(*p.shape)).float()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
losses = []
for epoch in range(12):
    model.train()
    optimizer.zero_grad()
    loss = F.nll_loss(model(images), labels)
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
