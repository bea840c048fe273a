"""Two interleaved spirals, a multilayer perceptron, minibatches and accuracy."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.utils.data import DataLoader, TensorDataset

rng = np.random.RandomState(0)
t = rng.rand(120) * 3
label = np.arange(120) % 2
points = np.stack([t * np.cos(2 * t + np.pi * label), t * np.sin(2 * t + np.pi * label)], 1)
X = torch.tensor(points, dtype=torch.float32)
y = torch.from_numpy(label).long()
loader = DataLoader(TensorDataset(X, y), batch_size=30, shuffle=False, num_workers=0)


class Net(nn.Module):
    def __init__(self, hidden=16):
        super(Net, self).__init__()
        self.fc1 = nn.Linear(2, hidden)
        self.fc2 = nn.Linear(hidden, hidden)
        self.fc3 = nn.Linear(hidden, 2)
        self.drop = nn.Dropout(p=0.0)

    def forward(self, x):
        x = F.relu(self.fc1(x))
        x = self.drop(F.relu(self.fc2(x)))
        return F.log_softmax(self.fc3(x), dim=1)


device = torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
model = Net().to(device)
for p in model.parameters():
    p.data = torch.from_numpy(rng.randn(*p.shape) * 0.4).float()
optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
losses = []
for epoch in range(10):
    model.train()
    running = 0.0
    for inputs, targets in loader:
        inputs, targets = inputs.to(device), targets.to(device)
        optimizer.zero_grad()
        loss = F.nll_loss(model(inputs), targets)
        loss.backward()
        optimizer.step()
        running += loss.item() * inputs.size(0)
    losses.append(running / len(loader.dataset))
model.eval()
with torch.no_grad():
    predicted = model(X).argmax(dim=1)
    correct = (predicted == y).sum().item()
losses.append(1 - correct / len(y))
