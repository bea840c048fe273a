"""Saving and loading: `save` and `load`, in files that hold numbers and never code.

Two formats:

* ``.npz``, NumPy's archive of arrays, for anything made of dicts, lists, tuples, tensors, arrays,
  numbers, strings and None: a state dict, or a checkpoint of several.  The arrays of a flat dict
  have the names of its keys.  Otherwise a name is the path to the array, its parts joined by "/"
  (``optimizer/state/0/exp_avg``), and the array ``__structure__`` holds JSON that says what is
  where.
* ``.safetensors``, for flat dicts of tensors, to share with other libraries.

A file name that ends in ``.safetensors`` is of that format; all other names (``model.npz``,
``model.pt``) hold the first format, under exactly the name that was given.  `load` looks at the
first bytes, not at the name.
"""

from __future__ import annotations

import glob
import io
import json
import math
import os
import platform
import shutil
import uuid
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, NoReturn
from urllib.parse import quote

import numpy as np
from numpy.lib import format as npy

from minigrad import devices
from minigrad.graph import Variable, wrap

__all__ = ["load", "save", "write_atomically"]

Array = Any
STRUCTURE = "__structure__"
METADATA = "__metadata__"
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # NumPy's; others pack a bomb much tighter


# ------------------------------------------------------------------------------------------- saving


def save(obj: Any, f: Any) -> None:
    """Save a state dict, or anything nested of dicts, lists, tensors, arrays, numbers and strings.

    obj     what to save; of tensors the numbers are kept, not the graph
    f       a path, or a file that is open for writing bytes.  ``.safetensors``: that format, for a
            flat dict of tensors; any other name: NumPy's ``.npz``

    The file appears complete or not at all: it is written under another name first.

    Raises    TypeError for an object of another kind, such as a module (save its state_dict());
              ValueError if the format cannot hold it; ImportError if safetensors is not installed.
    Example   >>> import tempfile, pathlib
              >>> path = pathlib.Path(tempfile.mkdtemp()) / "weights.npz"
              >>> mg.save({"w": mg.tensor([1.0, 2.0]), "step": 3}, path)
              >>> mg.load(path)
              {'w': tensor([1., 2.]), 'step': 3}
    """
    path = None if hasattr(f, "write") else Path(f)
    if path is not None and path.suffix == ".safetensors":
        data = to_safetensors(obj)
        write_atomically(path, lambda file: file.write(data))
        return
    arrays = flatten(obj)
    if path is None:
        write_npz(f, arrays)
    else:
        write_atomically(path, lambda file: write_npz(file, arrays))


def write_atomically(path: str | os.PathLike[str], write: Callable[[IO[bytes]], Any]) -> None:
    """Write a file so that, whatever happens, there is the old one or the complete new one.

    write    is called with a file that is open for writing bytes
    """
    path = Path(os.path.realpath(path))  # of a symbolic link: the file that it names
    sweep(path)
    mark = f"{platform.node()}.{os.getpid()}.{uuid.uuid4().hex}"
    temporary = path.with_name(f".{path.name}.{mark}.tmp")
    try:
        with open(temporary, "xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            shutil.copymode(path, temporary)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def sweep(path: Path) -> None:
    """Remove what writes of this file left behind that were killed, on this machine."""
    start = f".{path.name}.{platform.node()}."
    for left in path.parent.glob(f"{glob.escape(start)}*.tmp"):
        process = left.name[len(start) :].partition(".")[0]
        if process.isdecimal() and not is_running(int(process)):
            left.unlink(missing_ok=True)


def is_running(process: int) -> bool:
    if os.name != "posix":
        return True  # asking would end the process there
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass
    return True


def write_npz(file: IO[bytes], arrays: dict[str, Array]) -> None:
    """Write an archive as np.savez does, under names that np.savez does not take as keywords."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                npy.write_array(entry, array, allow_pickle=False)


def flatten(obj: Any) -> dict[str, Array]:
    """The arrays of `obj` by name, with what says where they belong."""
    arrays: dict[str, Array] = {}
    if isinstance(obj, dict) and obj and all(is_plain(k, v) for k, v in obj.items()):
        return {key: checked(value, key) for key, value in obj.items()}
    structure = json.dumps(describe(obj, "", arrays, set()))
    return {**arrays, STRUCTURE: np.frombuffer(structure.encode(), np.uint8)}


def is_plain(key: Any, value: Any) -> bool:
    """Whether an entry of a flat dict can have its key as a name, without a structure."""
    if not isinstance(key, str) or key == STRUCTURE or not isinstance(value, Variable):
        return False
    return key != "" and key == quote(key, safe=SAFE)


SAFE = "._-:[]()+ "


def describe(obj: Any, path: str, arrays: dict[str, Array], within: set[int]) -> Any:
    """`obj` as JSON; its arrays go to `arrays`. Lists are ``[kind, ...]``, the rest is itself."""
    if obj is None or isinstance(obj, (bool, int, float, str)):
        return obj
    if isinstance(obj, np.generic):
        return obj.item()
    if isinstance(obj, (Variable, np.ndarray)):
        name = path or "array"
        while name in arrays or name == STRUCTURE:
            name += "_"
        arrays[name] = checked(obj, path)
        return ["tensor" if isinstance(obj, Variable) else "array", name]
    if not isinstance(obj, (Mapping, list, tuple)):
        hint = ""
        if hasattr(obj, "state_dict"):
            what = type(obj).__name__
            hint = (
                f". Loading never runs code, so of a {what} only the numbers are kept: write "
                f"save(x.state_dict(), file), and to load it x = {what}(...); "
                "x.load_state_dict(load(file))"
            )
        raise TypeError(
            f"save: {where(path)} is a {type(obj).__name__}; dicts, lists, tuples, tensors, "
            f"arrays, numbers and strings can be saved{hint}"
        )
    if id(obj) in within:
        raise ValueError(f"save: {where(path)} contains itself")
    within = within | {id(obj)}

    def below(key: Any, value: Any) -> Any:
        step = quote(str(key), safe=SAFE)
        return describe(value, f"{path}/{step}" if path else step, arrays, within)

    if isinstance(obj, Mapping):
        for key in obj:
            if not (key is None or isinstance(key, (bool, int, float, str))):
                raise TypeError(f"save: {where(path)} has a key of type {type(key).__name__}")
        return ["dict", [[key, below(key, value)] for key, value in obj.items()]]
    kind = "list" if isinstance(obj, list) else "tuple"
    return [kind, [below(i, value) for i, value in enumerate(obj)]]


def where(path: str) -> str:
    return f"the entry {path!r}" if path else "the object"


def checked(value: Any, path: str) -> Array:
    """The array of `value`, which must be of numbers."""
    array = value._array if isinstance(value, Variable) else value
    if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
        raise TypeError(f"save: {where(path)} is an array of type {array.dtype}, not of numbers")
    return array


def to_safetensors(obj: Any) -> bytes:
    """A flat dict of tensors in the safetensors format."""
    codec = safetensors_package().numpy
    if not isinstance(obj, Mapping):
        raise TypeError(f"save: .safetensors holds a dict of tensors, got {type(obj).__name__}")
    arrays = {}
    for key, value in obj.items():
        if key == METADATA:
            raise ValueError(f"save: .safetensors keeps the name {METADATA!r} for itself")
        if not isinstance(key, str) or not isinstance(value, (Variable, np.ndarray)):
            raise ValueError(
                f"save: .safetensors holds a flat dict from names to tensors; the entry {key!r} is "
                f"a {type(value).__name__}. Save nested dicts to .npz"
            )
        arrays[key] = np.array(checked(value, key), order="C")
    return bytes(codec.save(arrays))


def safetensors_package() -> Any:
    try:
        import safetensors.numpy
    except ImportError as error:
        raise ImportError(".safetensors files need a package: pip install safetensors") from error
    return safetensors


# ------------------------------------------------------------------------------------------ loading


def load(f: Any, map_location: Any = None, *, weights_only: bool = True) -> Any:
    """Load what `save` wrote, an ``.npz`` of NumPy's, or a ``.safetensors`` file.

    f              a path, or a file that is open for reading bytes
    map_location   None or "cpu", as in PyTorch's scripts
    weights_only   accepted as in PyTorch's scripts: a file never holds anything but numbers

    Nothing in the file is executed, and no more memory is used than the file is large, times a
    small factor, whatever the file claims.

    Raises    ValueError if the file is damaged, not of these formats, or holds something else than
              numbers; FileNotFoundError; ImportError if safetensors is not installed.
    Example   >>> import io
              >>> file = io.BytesIO()
              >>> mg.save({"w": mg.tensor([1.0, 2.0])}, file)
              >>> start = file.seek(0)
              >>> mg.load(file)
              {'w': tensor([1., 2.])}
    """
    devices.check(map_location)
    if hasattr(f, "read"):
        return load_from(io.BytesIO(f.read()), getattr(f, "name", "the file"))
    with open(f, "rb") as file:
        return load_from(file, str(f))


def load_from(file: IO[bytes], name: str) -> Any:
    start = file.read(9)
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    if start[:2] == b"PK":
        reader: Callable[[IO[bytes], int], Any] = read_npz
    elif start[8:9] == b"{":
        codec = safetensors_package().deserialize
        reader = lambda file, size: read_safetensors(codec, file)
    else:
        kind = "a pickle, which could execute anything" if start[:1] == b"\x80" else "neither"
        raise ValueError(f"load: {name} is no .npz or .safetensors file, but {kind}")
    try:
        return reader(file, size)
    except Exception as error:  # whatever a hostile file provokes in the parsers
        reason = str(error) or type(error).__name__
        raise ValueError(f"load: {name} is damaged or not a file of numbers: {reason}") from error


SAFETENSORS = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "?",
}  # fmt: skip


def read_safetensors(deserialize: Any, file: IO[bytes]) -> dict[str, Any]:
    """The tensors in the order of the file; the package checks that nothing overlaps."""
    data = file.read()
    found = dict(deserialize(data))
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    return {name: wrap(from_bytes(name, found[name])) for name in header if name != METADATA}


def from_bytes(name: str, entry: Any) -> Array:
    """One array; bfloat16, which NumPy does not have, as float32, of which it is the upper half."""
    if entry["dtype"] == "BF16":
        halves = np.frombuffer(entry["data"], "<u2").astype(np.uint32)
        return (halves << 16).view(np.float32).reshape(entry["shape"])
    dtype = SAFETENSORS.get(entry["dtype"])
    if dtype is None:
        refuse(f"{name!r} has the type {entry['dtype']}, of which NumPy has no real numbers")
    array = np.frombuffer(entry["data"], dtype).reshape(entry["shape"])
    return array.astype(array.dtype.newbyteorder("="))


def read_npz(file: IO[bytes], size: int) -> Any:
    arrays: dict[str, Array] = {}
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        if any(entry.filename.endswith("data.pkl") for entry in entries):
            refuse("it is a pickle of PyTorch's; save the state_dict with safetensors there")
        if sum(entry.compress_size for entry in entries) > size:
            refuse("its entries overlap")
        total = sum(entry.file_size for entry in entries)
        if total > max(available_memory(), size):
            refuse(f"it claims to hold {total} bytes, more than there is memory")
        for entry in entries:
            if not entry.filename.endswith(".npy") or entry.is_dir():
                refuse(f"the entry {entry.filename!r} is not an array")
            if entry.compress_type not in METHODS:
                refuse(f"{entry.filename!r} is packed in a way that NumPy does not use")
            if entry.filename[:-4] in arrays:
                refuse(f"the entry {entry.filename!r} is there twice")
            with archive.open(entry) as stream:
                arrays[entry.filename[:-4]] = parse_npy(stream, entry.filename, entry.file_size)
    structure = arrays.pop(STRUCTURE, None)
    if structure is None:
        return {name: wrap(array) for name, array in arrays.items()}
    return rebuild(json.loads(structure.tobytes().decode()), arrays)


def available_memory() -> int:
    """Bytes that a program may still take; without a limit where the system does not say."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            lines = dict(line.split(":", 1) for line in file)
        return int(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return 1 << 62


def parse_npy(stream: IO[bytes], name: str, size: int) -> Array:
    """One array of NumPy's format, read after its header was found to agree with its length."""
    version = npy.read_magic(stream)
    if version == (1, 0):
        shape, fortran_order, dtype = npy.read_array_header_1_0(stream)
    elif version == (2, 0):
        shape, fortran_order, dtype = npy.read_array_header_2_0(stream)
    else:
        refuse(f"{name} has version {version} of NumPy's format")
    if dtype.kind not in "biuf" or dtype.subdtype is not None:
        refuse(f"{name} holds {dtype}, not numbers; such arrays are never loaded")
    left = size - stream.tell()
    expected = math.prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or expected != left:
        refuse(f"{name} declares {shape} {dtype}, {expected} bytes, and has {left}")
    data = stream.read(expected + 1)
    if len(data) != expected:
        refuse(f"{name} declares {expected} bytes and has {len(data)}")
    flat = np.frombuffer(data, dtype)
    array = flat.reshape(shape, order="F" if fortran_order else "C")
    return array.astype(dtype.newbyteorder("="), order="K")


def rebuild(node: Any, arrays: dict[str, Array]) -> Any:
    """What `describe` described."""
    if not isinstance(node, list):
        if isinstance(node, dict):
            refuse("its structure is not of this library")
        return node
    kind, content = node
    if kind == "tensor":
        return wrap(arrays[content])
    if kind == "array":
        return arrays[content]
    if kind == "dict":
        return {key: rebuild(value, arrays) for key, value in content}
    if kind == "list":
        return [rebuild(value, arrays) for value in content]
    if kind == "tuple":
        return tuple([rebuild(value, arrays) for value in content])
    raise ValueError(f"its structure has an entry of the kind {kind!r}")


def refuse(reason: str) -> NoReturn:
    raise ValueError(reason)
