"""A denoising convolutional autoencoder with transposed convolutions and skip weights."""

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

rng = np.random.RandomState(11)


class Blobs(Dataset):
    def __init__(self, n, transform=None):
        yy, xx = np.mgrid[:8, :8]
        centres = rng.uniform(2, 6, (n, 2, 1, 1))
        squares = (yy - centres[:, 0]) ** 2 + (xx - centres[:, 1]) ** 2
        self.images = np.exp(-squares / 3).astype(np.float32)[:, None]
        self.transform = transform

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        image = torch.from_numpy(self.images[i])
        return image if self.transform is None else self.transform(image)


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.ReLU(True),
            nn.Conv2d(4, 6, kernel_size=(3, 3), stride=2, padding=1), nn.ReLU(True),
        )  # fmt: skip
        self.decoder = nn.Sequential(
            nn.ConvTranspose2d(6, 4, 3, stride=2, padding=1, output_padding=1), nn.ReLU(True),
            nn.ConvTranspose2d(4, 1, 2, stride=2), nn.Sigmoid(),
        )  # fmt: skip

    def forward(self, x):
        return self.decoder(self.encoder(x))


loader = DataLoader(Blobs(24), batch_size=8, num_workers=2, pin_memory=False)
model = Autoencoder()
for m in model.modules():
    if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d)):
        m.weight.data = torch.from_numpy(rng.normal(0, 0.3, m.weight.shape)).float()
        nn.init.zeros_(m.bias)
optimizer = torch.optim.Adam(model.parameters(), lr=0.02, weight_decay=1e-5)
criterion = nn.MSELoss()
losses = []
for epoch in range(5):
    for image in loader:
        noise = torch.from_numpy(0.1 * rng.randn(*image.shape)).float()
        output = model((image + noise).clamp(0, 1))
        loss = criterion(output, image)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.data.item())
