#!/usr/bin/env bash
# PyTorch 2.13.0: `scatter_reduce` takes an index that is shorter than the source; the entries of the
# source beyond it take no part in the result.  Backward of "prod" gives them a slope all the same, and
# that of "sum" and "mean" fails, though the call is valid and documented (index.size(d) <= src.size(d)).
# Seen: of ones(2).scatter_reduce(0, [0], [2, 3, 5, 7], "prod") the slopes are [1, 2/3, 2/5, 2/7]; they
# are [1, 0, 0, 0], by differences.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.2.6
"$folder/venv/bin/python" - <<'PY'
import torch

index = torch.tensor([0])
source = torch.tensor([2.0, 3.0, 5.0, 7.0], dtype=torch.float64, requires_grad=True)
base = torch.ones(2, dtype=torch.float64)


def value(numbers, reduce):
    return base.scatter_reduce(0, index, numbers, reduce).sum()


(slope,) = torch.autograd.grad(value(source, "prod"), source)
steps = 1e-6 * torch.eye(4, dtype=torch.float64)
differences = [
    ((value(source + step, "prod") - value(source, "prod")) / 1e-6).item() for step in steps
]
print("slope", slope.tolist(), "differences", [round(d, 6) for d in differences])
assert [round(d, 6) for d in differences] == [1.0, 0.0, 0.0, 0.0]
assert torch.allclose(slope, 2 / source.detach()), "changed: entries beyond the index have slope 0"
for reduce in ("sum", "mean"):
    try:
        torch.autograd.grad(value(source, reduce), source)
    except RuntimeError as error:
        print(reduce, "fails:", str(error)[:90])
    else:
        raise SystemExit(f"changed: {reduce} has a backward")
PY
