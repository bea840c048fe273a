"""Graph convolution: a normalised adjacency, message passing by index_add, masked training."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.parameter import Parameter

rng = np.random.RandomState(10)
N, FEATURES, CLASSES = 24, 5, 3
labels = torch.from_numpy(np.arange(N) % CLASSES)
chosen = [(i, j) for i in range(N) for j in range(N)
          if i != j and rng.rand() < (0.4 if i % CLASSES == j % CLASSES else 0.05)]  # fmt: skip
edges = torch.tensor(chosen).t().contiguous()
x = torch.from_numpy(rng.randn(N, FEATURES)).float()


class GraphConvolution(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super(GraphConvolution, self).__init__()
        self.weight = Parameter(torch.FloatTensor(in_features, out_features))
        if bias:
            self.bias = Parameter(torch.FloatTensor(out_features))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self):
        stdv = 1.0 / np.sqrt(self.weight.size(1))
        self.weight.data = torch.from_numpy(rng.uniform(-stdv, stdv, self.weight.shape)).float()
        if self.bias is not None:
            self.bias.data.zero_()

    def forward(self, x, edge_index):
        source, target = edge_index
        ones = torch.ones(source.size(0))
        degree = torch.zeros(N).scatter_add_(0, target, ones) + 1
        norm = degree.pow(-0.5)
        support = torch.mm(x, self.weight)
        messages = support[source] * (norm[source] * norm[target]).unsqueeze(-1)
        output = torch.zeros_like(support).index_add_(0, target, messages)
        output = output + support / degree.view(-1, 1)
        return output if self.bias is None else output + self.bias

    def __repr__(self):
        return f"{self.__class__.__name__} ({self.weight.shape[0]} -> {self.weight.shape[1]})"


class GCN(nn.Module):
    def __init__(self):
        super().__init__()
        self.gc1, self.gc2 = GraphConvolution(FEATURES, 8), GraphConvolution(8, CLASSES, bias=False)

    def forward(self, x, edge_index):
        x = F.elu(self.gc1(x, edge_index))
        return F.log_softmax(self.gc2(x, edge_index), dim=1)


model = GCN()
optimizer = torch.optim.Adam(model.parameters(), lr=0.05, weight_decay=5e-4)
idx_train = torch.arange(0, N, 2)
mask = torch.zeros(N, dtype=torch.bool)
mask[idx_train] = True
losses = []
for epoch in range(15):
    model.train()
    optimizer.zero_grad()
    output = model(x, edges)
    loss = F.nll_loss(output[mask], labels[mask])
    acc = output[~mask].max(1)[1].eq(labels[~mask]).double().mean()
    loss.backward()
    optimizer.step()
    losses.append(loss.item() + float(acc))
