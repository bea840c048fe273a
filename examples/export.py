"""Keep a network and take it elsewhere: .npz, .safetensors and, where onnx is installed, ONNX.

A state_dict holds named arrays and nothing that could run.  The .npz file is NumPy's own format,
.safetensors opens in PyTorch, and ONNX in any runtime for it.

Prints the size of each file, and how far the outputs of the loaded network are from the first.

    python examples/export.py    # less than 1 s
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
from common import options

import minigrad as mg
from minigrad import nn


def network() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(4 * 4 * 4, 10),
    )  # fmt: skip


def through_file(model: nn.Module, x: mg.Tensor, path: Path) -> float:
    """Save, load into a new network, and return the largest difference of the outputs."""
    mg.save(model.state_dict(), path)
    copy = network()
    copy.load_state_dict(mg.load(path))
    with mg.no_grad():
        return (copy.eval()(x) - model(x)).abs().max().item()


def through_onnx(model: nn.Module, x: mg.Tensor, path: Path) -> float:
    """Export, run with onnxruntime, and return the largest difference of the outputs."""
    import onnxruntime

    mg.onnx.export(model, x, path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (out,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
    with mg.no_grad():
        return np.abs(out - model(x).numpy()).max().item()


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--seed", type=int, default=0, help="of the weights")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the files")
    args = parser.parse_args()

    mg.manual_seed(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    model = network()
    model(mg.randn(32, 1, 8, 8))  # a batch in training mode moves the running statistics
    model.eval()
    x = mg.randn(5, 1, 8, 8)
    for name, array in model.state_dict().items():
        print(f"{name:>22} {array.dtype} {tuple(array.shape)}")

    routes = [("npz", through_file, ())]
    routes += [("safetensors", through_file, ("safetensors",))]
    routes += [("onnx", through_onnx, ("onnx", "onnxruntime"))]
    for suffix, route, modules in routes:
        missing = [module for module in modules if find_spec(module) is None]
        if missing:
            print(f".{suffix}: left out, {' and '.join(missing)} not installed")
            continue
        path = args.out / f"network.{suffix}"
        difference = route(model, x, path)
        print(f".{suffix}: {path.stat().st_size} bytes, largest difference {difference:.1e}")

    half = args.out / "half.npz"
    data = (args.out / "network.npz").read_bytes()
    half.write_bytes(data[: len(data) // 2])
    try:
        mg.load(half)
    except ValueError as error:
        print("half of a file is refused:", str(error).splitlines()[0])


if __name__ == "__main__":
    main()
