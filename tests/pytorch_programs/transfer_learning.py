"""Transfer learning: a frozen body, a new head, and the learning rate falling by steps."""

import copy

import numpy as np
import torch
import torch.nn as nn
import torch.optim as optim
from torch.optim import lr_scheduler
from torch.utils.data import DataLoader, TensorDataset

rng = np.random.RandomState(9)
images = torch.from_numpy(rng.rand(40, 3, 8, 8)).float()
labels = (images[:, 0].mean((1, 2)) > images[:, 1].mean((1, 2))).long()
datasets = {"train": TensorDataset(images[:32], labels[:32]),
            "val": TensorDataset(images[32:], labels[32:])}  # fmt: skip
dataloaders = {x: DataLoader(datasets[x], batch_size=8, shuffle=False) for x in ["train", "val"]}
dataset_sizes = {x: len(datasets[x]) for x in ["train", "val"]}
device = torch.device("cuda:0" if torch.cuda.is_available() else "cpu")


class Body(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 6, 3, padding=1, bias=False), nn.BatchNorm2d(6), nn.ReLU(inplace=True),
            nn.AdaptiveAvgPool2d((2, 2)),
        )  # fmt: skip
        self.fc = nn.Linear(24, 10)

    def forward(self, x):
        return self.fc(torch.flatten(self.features(x), 1))


model = Body()
for p in model.parameters():
    p.data.copy_(torch.from_numpy(0.4 * rng.randn(*p.shape)))
for param in model.parameters():
    param.requires_grad = False
num_ftrs = model.fc.in_features
model.fc = nn.Linear(num_ftrs, 2)
model.fc.weight.data.copy_(torch.from_numpy(0.1 * rng.randn(2, num_ftrs)))
model.fc.bias.data.zero_()
model = model.to(device)
criterion = nn.CrossEntropyLoss()
optimizer = optim.SGD(filter(lambda p: p.requires_grad, model.parameters()), lr=0.1, momentum=0.9)
scheduler = lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.1)
best_model_wts, best_acc, losses = copy.deepcopy(model.state_dict()), 0.0, []
for epoch in range(4):
    for phase in ["train", "val"]:
        model.train() if phase == "train" else model.eval()
        running_loss, running_corrects = 0.0, 0
        for inputs, target in dataloaders[phase]:
            inputs, target = inputs.to(device), target.to(device)
            optimizer.zero_grad()
            with torch.set_grad_enabled(phase == "train"):
                outputs = model(inputs)
                _, preds = torch.max(outputs, 1)
                loss = criterion(outputs, target)
                if phase == "train":
                    loss.backward()
                    optimizer.step()
            running_loss += loss.item() * inputs.size(0)
            running_corrects += torch.sum(preds == target.data)
        if phase == "train":
            scheduler.step()
        losses.append(running_loss / dataset_sizes[phase])
        epoch_acc = running_corrects.double() / dataset_sizes[phase]
        if phase == "val" and epoch_acc > best_acc:
            best_acc, best_model_wts = epoch_acc, copy.deepcopy(model.state_dict())
model.load_state_dict(best_model_wts)
