#!/usr/bin/env bash
# PyTorch 2.13.0: `ldexp(x, n)` is x * 2**n, also for negative whole n, and its slope in x is 2**n.
# Backward gives 0 for negative n: it computes the power in whole numbers.
# Seen: for x = [1, 1, 1] and n = [1, 0, -1] the values are [2, 1, 0.5], the slopes [2, 1, 0].
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.2.6
"$folder/venv/bin/python" - <<'PY'
import torch

x = torch.ones(3, requires_grad=True)
out = torch.ldexp(x, torch.tensor([1, 0, -1]))
(slope,) = torch.autograd.grad(out.sum(), x)
print("value", out.tolist(), "slope", slope.tolist())
assert out.tolist() == [2.0, 1.0, 0.5]
assert slope.tolist() == [2.0, 1.0, 0.0], "changed: the slope of a negative exponent is not 0"
PY
