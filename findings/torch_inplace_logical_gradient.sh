#!/usr/bin/env bash
# PyTorch 2.13.0: `t.logical_and_(u)`, `logical_or_`, `logical_xor_` and `logical_not_` on a tensor that
# was computed from one that requires grad replace its numbers by 0 and 1, but leave its place in the
# graph as it was: backward gives the slope of the number *before* the change, though the result is
# constant.  The out-of-place functions give a boolean tensor without a gradient, as they should.
# Seen: for h = x * x, h.logical_and_([1, 1, 0]) is [1, 0, 0] and its gradient 2 x * 10 = [40, 0, 60].
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.2.6
"$folder/venv/bin/python" - <<'PY'
import torch

x = torch.tensor([2.0, 0.0, 3.0], requires_grad=True)
h = x * x
h.logical_and_(torch.tensor([1.0, 1.0, 0.0]))
(gradient,) = torch.autograd.grad((10 * h).sum(), x)
print("value", h.tolist(), "gradient", gradient.tolist())
assert h.tolist() == [1.0, 0.0, 0.0]
assert gradient.tolist() == [40.0, 0.0, 60.0], "changed: the slope of the old number is gone"
assert not torch.logical_and(x * x, torch.tensor([1.0, 1.0, 0.0])).requires_grad
PY
