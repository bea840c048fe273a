#!/usr/bin/env bash
# PyTorch 2.13.0: `nn.CrossMapLRN2d(3)` divides by the mean of the squares of a channel and its two
# neighbours.  It keeps a running sum over channels, and never takes the first channel out again: from
# the third channel on, each sum has the first channel's square too much.  `nn.LocalResponseNorm` with
# the same numbers sums what it should.
# Seen: for channels 1 2 3 4 5 the sums are 5 14 30 51 42; by hand, and by LocalResponseNorm, they are
# 5 14 29 50 41.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.2.6
"$folder/venv/bin/python" - <<'PY'
import torch

x = torch.arange(1.0, 6.0, dtype=torch.float64).reshape(1, 5, 1, 1)


def sums(layer):
    """What the layer divides by: x / (alpha / size * sum)."""
    return [round(v) for v in (3 * x / layer(x)).flatten().tolist()]


crossing = sums(torch.nn.CrossMapLRN2d(3, alpha=1.0, beta=1.0, k=0.0))
local = sums(torch.nn.LocalResponseNorm(3, alpha=1.0, beta=1.0, k=0.0))
values = x.flatten().tolist()
by_hand = [round(sum(v * v for v in values[max(i - 1, 0) : i + 2])) for i in range(5)]
print("CrossMapLRN2d", crossing, "LocalResponseNorm", local, "by hand", by_hand)
assert by_hand == local == [5, 14, 29, 50, 41]
assert crossing == [5, 14, 30, 51, 42], "changed: the first channel is taken out again"
PY
