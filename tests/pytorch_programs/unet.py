"""A small U-Net segments discs: skip connections, transposed convolutions, the dice loss."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

rng = np.random.default_rng(5)


class DoubleConv(nn.Module):
    def __init__(self, in_channels, out_channels, mid_channels=None):
        super().__init__()
        mid_channels = mid_channels or out_channels
        self.double_conv = nn.Sequential(
            nn.Conv2d(in_channels, mid_channels, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(mid_channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(mid_channels, out_channels, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
        )

    def forward(self, x):
        return self.double_conv(x)


class Up(nn.Module):
    def __init__(self, in_channels, out_channels, mode):
        super().__init__()
        if mode == "transposed":
            self.up = nn.ConvTranspose2d(in_channels, in_channels // 2, kernel_size=2, stride=2)
            self.conv = DoubleConv(in_channels, out_channels)
        else:
            self.up = nn.Upsample(scale_factor=2, mode=mode, align_corners=True)
            self.conv = DoubleConv(in_channels + in_channels // 2, out_channels, in_channels // 2)

    def forward(self, x1, x2):
        x1 = self.up(x1)
        dy, dx = x2.size()[2] - x1.size()[2], x2.size()[3] - x1.size()[3]
        x1 = F.pad(x1, [dx // 2, dx - dx // 2, dy // 2, dy - dy // 2])
        return self.conv(torch.cat([x2, x1], dim=1))


class UNet(nn.Module):
    def __init__(self, n_classes=2):
        super().__init__()
        self.inc = DoubleConv(1, 4)
        self.down1 = nn.Sequential(nn.MaxPool2d(2), DoubleConv(4, 8))
        self.down2 = nn.Sequential(nn.MaxPool2d(2), DoubleConv(8, 16))
        self.up1, self.up2 = Up(16, 8, "bicubic"), Up(8, 4, "transposed")
        self.outc = nn.Conv2d(4, n_classes, kernel_size=1)

    def forward(self, x):
        x1 = self.inc(x)
        x2 = self.down1(x1)
        x3 = self.down2(x2)
        return self.outc(self.up2(self.up1(x3, x2), x1))


def dice_loss(logits, target, eps=1e-6):
    prob = F.softmax(logits, dim=1).float()
    onehot = F.one_hot(target, logits.shape[1]).permute(0, 3, 1, 2).float()
    inter = 2 * (prob * onehot).sum(dim=(-1, -2))
    sets = prob.sum(dim=(-1, -2)) + onehot.sum(dim=(-1, -2))
    return 1 - ((inter + eps) / (sets + eps)).mean()


net = UNet()
for m in net.modules():
    if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d)):
        fan = m.weight[0].numel()
        m.weight.data = torch.from_numpy(rng.normal(0, fan**-0.5, m.weight.shape)).float()
        if m.bias is not None:
            nn.init.zeros_(m.bias)
yy, xx = torch.meshgrid(torch.arange(14.0), torch.arange(15.0), indexing="ij")
centres = torch.from_numpy(rng.uniform(4, 10, (6, 2))).float()
masks = ((yy - centres[:, :1, None]) ** 2 + (xx - centres[:, 1:, None]) ** 2 < 12).long()
images = (
    masks.unsqueeze(1).float() + 0.3 * torch.from_numpy(rng.normal(size=(6, 1, 14, 15))).float()
)
optimizer = torch.optim.SGD(
    net.parameters(), lr=5e-2, weight_decay=1e-6, momentum=0.5, foreach=True
)
losses = []
for _ in range(9):
    net.train()
    pred = net(images)
    loss = F.cross_entropy(pred, masks) + dice_loss(pred, masks)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    optimizer.step()
    losses.append(loss.item())
net.eval()
with torch.no_grad():
    out = net(images)
    losses.append((out.argmax(dim=1) == masks).double().mean().item())
    losses.append(dice_loss(out, masks).item())
