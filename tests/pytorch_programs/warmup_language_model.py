"""A language model with a scheduler of its own, weight decay of matrices only, and tied weights."""

import inspect
import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn as nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import LRScheduler


@dataclass
class Config:
    vocab_size: int = 11
    block_size: int = 8
    n_embd: int = 16
    n_head: int = 2


class CausalSelfAttention(nn.Module):
    def __init__(self, config):
        super().__init__()
        assert config.n_embd % config.n_head == 0
        self.c_attn = nn.Linear(config.n_embd, 3 * config.n_embd, bias=False)
        self.c_proj = nn.Linear(config.n_embd, config.n_embd, bias=False)
        self.n_head, self.n_embd = config.n_head, config.n_embd

    def forward(self, x):
        B, T, C = x.size()
        q, k, v = self.c_attn(x).split(self.n_embd, dim=2)
        q, k, v = (t.view(B, T, self.n_head, C // self.n_head).transpose(1, 2) for t in (q, k, v))
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=None, dropout_p=0.0, is_causal=True)
        return self.c_proj(y.transpose(1, 2).contiguous().view(B, T, C))


class Block(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(config.n_embd), nn.LayerNorm(config.n_embd)
        self.attn = CausalSelfAttention(config)
        self.mlp = nn.ModuleDict(
            dict(
                c_fc=nn.Linear(config.n_embd, 4 * config.n_embd),
                act=nn.GELU(approximate="tanh"),
                c_proj=nn.Linear(4 * config.n_embd, config.n_embd),
            )
        )
        m = self.mlp
        self.mlpf = lambda x: m.c_proj(m.act(m.c_fc(x)))

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        return x + self.mlpf(self.ln_2(x))


class GPT(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.transformer = nn.ModuleDict(
            dict(
                wte=nn.Embedding(config.vocab_size, config.n_embd),
                wpe=nn.Embedding(config.block_size, config.n_embd),
                h=nn.ModuleList([Block(config) for _ in range(2)]),
                ln_f=nn.LayerNorm(config.n_embd),
            )
        )
        self.lm_head = nn.Linear(config.n_embd, config.vocab_size, bias=False)
        self.transformer.wte.weight = self.lm_head.weight
        self.apply(self._init_weights)

    def _init_weights(self, module):
        if isinstance(module, (nn.Linear, nn.Embedding)):
            w = 0.08 * rng.standard_normal(module.weight.shape)
            module.weight.data.copy_(torch.from_numpy(w))
        if isinstance(module, nn.Linear) and module.bias is not None:
            torch.nn.init.zeros_(module.bias)

    def forward(self, idx, targets=None):
        _, t = idx.size()
        pos = torch.arange(0, t, dtype=torch.long, device=idx.device)
        x = self.transformer.wte(idx) + self.transformer.wpe(pos)
        for block in self.transformer.h:
            x = block(x)
        logits = self.lm_head(self.transformer.ln_f(x))
        if targets is None:
            return logits, None
        return logits, F.cross_entropy(
            logits.view(-1, logits.size(-1)), targets.view(-1), ignore_index=-1
        )

    def configure_optimizers(self, weight_decay, learning_rate, betas):
        params = {pn: p for pn, p in self.named_parameters() if p.requires_grad}
        groups = [
            {"params": [p for p in params.values() if p.dim() >= 2], "weight_decay": weight_decay},
            {"params": [p for p in params.values() if p.dim() < 2], "weight_decay": 0.0},
        ]
        fused = "fused" in inspect.signature(torch.optim.AdamW).parameters
        extra = dict(fused=True) if fused else dict(foreach=False)
        return torch.optim.AdamW(groups, lr=learning_rate, betas=betas, **extra)

    @torch.no_grad()
    def generate(self, idx, max_new_tokens):
        for _ in range(max_new_tokens):
            logits, _ = self(idx[:, -self.config.block_size :])
            v, _ = torch.topk(logits[:, -1, :], 3)
            last = logits[:, -1, :].masked_fill(logits[:, -1, :] < v[:, [-1]], -float("Inf"))
            idx = torch.cat((idx, F.softmax(last, dim=-1).argmax(-1, keepdim=True)), dim=1)
        return idx


class WarmupCosine(LRScheduler):
    def __init__(self, optimizer, warmup, total, min_lr=1e-4, last_epoch=-1):
        self.warmup, self.total, self.min_lr = warmup, total, min_lr
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        it = self.last_epoch
        if it < self.warmup:
            return [lr * (it + 1) / self.warmup for lr in self.base_lrs]
        ratio = (it - self.warmup) / (self.total - self.warmup)
        coeff = 0.5 * (1.0 + math.cos(math.pi * ratio))
        return [self.min_lr + coeff * (lr - self.min_lr) for lr in self.base_lrs]


rng = np.random.default_rng(1)
model = GPT(Config())
optimizer = model.configure_optimizers(0.1, 1e-2, (0.9, 0.95))
scheduler = WarmupCosine(optimizer, warmup=3, total=14)
text = np.array([(i * i) % 11 for i in range(200)])
losses = []
for _ in range(14):
    ix = torch.from_numpy(rng.integers(0, 190, (4,)))
    x = torch.stack([torch.from_numpy((text[i : i + 8]).astype(np.int64)) for i in ix])
    y = torch.stack([torch.from_numpy((text[i + 1 : i + 9]).astype(np.int64)) for i in ix])
    _, loss = model(x, y)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    scheduler.step()
    losses.append(loss.item() + scheduler.get_last_lr()[0])
model.eval()
out = model.generate(torch.zeros((1, 1), dtype=torch.long), 5)
losses.append(float(out.shape[1] + (sum(p.numel() for p in model.parameters()))))
