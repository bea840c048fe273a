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

import io
import json
import math
import os
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
EXPANSION = 20  # how many times its size a compressed entry may become: more is taken for an attack


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
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        with open(temporary, "xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


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
    if array.dtype.kind not in "biuf":
        raise TypeError(f"save: {where(path)} is an array of type {array.dtype}, not of numbers")
    return array


def to_safetensors(obj: Any) -> bytes:
    """A flat dict of tensors in the safetensors format."""
    codec = safetensors_numpy()
    if not isinstance(obj, Mapping):
        raise TypeError(f"save: .safetensors holds a dict of tensors, got {type(obj).__name__}")
    arrays = {}
    for key, value in obj.items():
        if not isinstance(key, str) or not isinstance(value, (Variable, np.ndarray)):
            raise ValueError(
                f"save: .safetensors holds a flat dict from names to tensors; the entry {key!r} is "
                f"a {type(value).__name__}. Save nested dicts to .npz"
            )
        arrays[key] = np.array(checked(value, key), order="C")
    return bytes(codec.save(arrays))


def safetensors_numpy() -> Any:
    try:
        import safetensors.numpy
    except ImportError as error:
        raise ImportError(".safetensors files need a package: pip install safetensors") from error
    return safetensors.numpy


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
        codec = safetensors_numpy()
        reader = lambda file, size: read_safetensors(codec, file)
    else:
        kind = "a pickle, which could execute anything" if start[:1] == b"\x80" else "neither"
        raise ValueError(f"load: {name} is no .npz or .safetensors file, but {kind}")
    try:
        return reader(file, size)
    except Exception as error:  # whatever a hostile file provokes in the parsers
        reason = str(error) or type(error).__name__
        raise ValueError(f"load: {name} is damaged or not a file of numbers: {reason}") from error


def read_safetensors(codec: Any, file: IO[bytes]) -> dict[str, Any]:
    return {name: wrap(np.array(array)) for name, array in codec.load(file.read()).items()}


def read_npz(file: IO[bytes], size: int) -> Any:
    arrays: dict[str, Array] = {}
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        if any(entry.filename.endswith("data.pkl") for entry in entries):
            refuse("it is a pickle of PyTorch's; save the state_dict with safetensors there")
        if sum(entry.compress_size for entry in entries) > size:
            refuse("its entries overlap")
        for entry in entries:
            if not entry.filename.endswith(".npy") or entry.is_dir():
                refuse(f"the entry {entry.filename!r} is not an array")
            if entry.file_size > max(EXPANSION * entry.compress_size, 4096):
                refuse(f"{entry.filename!r} claims to hold {entry.file_size} bytes")
            if entry.filename[:-4] in arrays:
                refuse(f"the entry {entry.filename!r} is there twice")
            with archive.open(entry) as stream:
                data = stream.read(entry.file_size + 1)
            arrays[entry.filename[:-4]] = parse_npy(data, entry.filename)
    structure = arrays.pop(STRUCTURE, None)
    if structure is None:
        return {name: wrap(array) for name, array in arrays.items()}
    return rebuild(json.loads(structure.tobytes().decode()), arrays)


def parse_npy(data: bytes, name: str) -> Array:
    """One array of NumPy's format, after its header was found to agree with its length."""
    stream = io.BytesIO(data)
    version = npy.read_magic(stream)
    if version == (1, 0):
        shape, fortran_order, dtype = npy.read_array_header_1_0(stream)
    elif version == (2, 0):
        shape, fortran_order, dtype = npy.read_array_header_2_0(stream)
    else:
        refuse(f"{name} has version {version} of NumPy's format")
    if dtype.kind not in "biuf" or dtype.subdtype is not None:
        refuse(f"{name} holds {dtype}, not numbers; such arrays are never loaded")
    start = stream.tell()
    expected = math.prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or expected != len(data) - start:
        refuse(f"{name} declares {shape} {dtype}, {expected} bytes, and has {len(data) - start}")
    flat = np.frombuffer(data, dtype, offset=start)
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
