"""Random calls of every public function: no crash, no hang, no error of its insides, no argument
changed."""

from __future__ import annotations

import contextlib
import inspect
import io
import signal
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import minigrad as mg

LIMIT = 5  # seconds
INTERNAL = (
    AttributeError, KeyError, UnboundLocalError, NameError, RecursionError, AssertionError,
    SystemError, MemoryError,
)  # fmt: skip
# what changes the state of the whole process, or asks for a callable
LEFT_OUT = {
    "set_default_dtype", "manual_seed", "seed", "set_rng_state", "save", "load", "op", "summary",
    "set_num_threads", "use_deterministic_algorithms", "set_grad_enabled", "set_printoptions",
    "set_default_device", "compile", "default_generator", "no_grad", "enable_grad", "Tensor",
    "inference_mode", "set_default_tensor_type", "set_num_interop_threads", "set_detect_anomaly",
    "set_flush_denormal", "set_float32_matmul_precision", "backends", "composition",
}  # fmt: skip


def functions() -> list[tuple[str, Callable[..., Any]]]:
    """Public functions and methods by name."""
    found: list[tuple[str, Any]] = []
    for prefix, space in (("", mg), ("linalg.", mg.linalg), ("F.", mg.nn.functional)):
        for name in getattr(space, "__all__", dir(space)):
            value = getattr(space, name)
            callable_ = callable(value) and not inspect.isclass(value)
            if callable_ and not name.startswith("_") and name not in LEFT_OUT:
                found.append((f"{prefix}{name}", value))
    for name in dir(mg.Tensor):
        value = getattr(mg.Tensor, name)
        if callable(value) and not name.startswith("_") and name not in LEFT_OUT:
            found.append((f"Tensor.{name}", value))
    return found


def draw_tensor(rng: np.random.Generator) -> Any:
    shape = ((), (3,), (2, 3), (3, 3), (0, 3), (2, 1, 3), (1, 2, 4, 4), (4,))[int(rng.integers(8))]
    dtype = (np.float32, np.float64, np.int64, np.bool_, np.float16, np.uint8)[int(rng.integers(6))]
    x = rng.standard_normal(shape) * 2
    if rng.random() < 0.1 and x.size:
        x = np.where(rng.random(shape) < 0.3, (np.nan, np.inf, -np.inf)[int(rng.integers(3))], x)
    with np.errstate(invalid="ignore"):
        t = mg.tensor(np.asarray(np.nan_to_num(x) if np.dtype(dtype).kind != "f" else x, dtype))
    if t.dtype.kind == "f" and rng.random() < 0.4:
        t.requires_grad_()
    return t.transpose(0, -1) if t.ndim > 1 and rng.random() < 0.2 else t


def draw_argument(rng: np.random.Generator, name: str) -> Any:
    """A tensor mostly; else a number, a name, a list, or something strange."""
    kind = rng.random()
    if name in ("dim", "axis", "dims", "dim0", "dim1", "dim2") and kind < 0.8:
        return ((0, -1, 1, 7, (0, 1), None, -3, (), 0.5))[int(rng.integers(9))]
    if kind < 0.6:
        return draw_tensor(rng)
    plain = (0, 1, 2, -1, 3, 0.5, -2.5, True, None, "mean", "x", [1, 2], (2, 3), [], 60, 1e300,
             float("nan"), [[1.0], [2.0, 3.0]], np.ones(3), np.float32(2), mg.float64, slice(1),
             [0, 0], "sum", -(10**12), {}, object)  # fmt: skip
    return plain[int(rng.integers(len(plain)))]


def draw_call(rng: np.random.Generator, function: Callable[..., Any], method: bool) -> list[Any]:
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    required = sum(p.default is p.empty for p in positional)
    count = int(rng.integers(required, min(len(positional), required + 2) + 1))
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        count += int(rng.integers(0, 3))
    names = [p.name for p in positional] + ["more"] * 4
    drawn = [draw_argument(rng, name) for name in names[:count]]
    if drawn and (method or rng.random() < 0.85):
        drawn[0] = draw_tensor(rng)
    return drawn


def takes(function: Callable[..., Any], name: str) -> bool:
    """Whether a function has an argument of that name."""
    with contextlib.suppress(TypeError, ValueError):
        return name in inspect.signature(function).parameters
    return False


@contextlib.contextmanager
def time_limit(seconds: int) -> Iterator[None]:
    """TimeoutError in the main thread, where the system has alarms."""

    def stop(*_: Any) -> None:
        raise TimeoutError

    if not hasattr(signal, "SIGALRM"):
        yield
        return
    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def frozen(arguments: list[Any]) -> list[Any]:
    return [x.detach().numpy().copy() if isinstance(x, mg.Tensor) else None for x in arguments]


def try_call(seed: int, known: list[tuple[str, Callable[..., Any]]]) -> str | None:
    """What is wrong with the call of a seed, in words; None if nothing is."""
    rng = np.random.default_rng(seed)
    name, function = known[int(rng.integers(len(known)))]
    arguments = draw_call(rng, function, name.startswith("Tensor."))
    before = frozen(arguments)
    wrong = None
    try:
        with (
            time_limit(LIMIT),
            warnings.catch_warnings(),
            np.errstate(all="ignore"),
            contextlib.redirect_stdout(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            result = function(*arguments)
            backward(result)
    except TimeoutError:
        wrong = f"runs longer than {LIMIT} s"
    except INTERNAL as error:
        wrong = f"{type(error).__name__}: {str(error)[:120]}"
    except Exception:
        pass
    changes = name.endswith("_") or takes(function, "inplace") or takes(function, "out")
    if wrong is None and not changes:
        for x, old in zip(arguments, before):
            if old is not None and not np.array_equal(x.detach().numpy(), old, equal_nan=True):
                wrong = "changes an argument"
    if wrong is None:
        return None
    return f"# call {seed}: {name}({', '.join(map(shown, arguments))})\n#   {wrong}"


def backward(result: Any) -> None:
    """Through the first result, if there is a graph."""
    first = result[0] if isinstance(result, tuple) and result else result
    if isinstance(first, mg.Tensor) and first.requires_grad and first.size < 10**6:
        first.sum().backward()


def shown(x: Any) -> str:
    if isinstance(x, mg.Tensor):
        return f"tensor{tuple(x.shape)} {x.dtype}"
    return repr(x)[:40]
