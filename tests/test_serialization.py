"""Files: what is saved comes back, and no file does harm."""

import io
import json
import os
import pickle
import struct
import subprocess
import sys
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn, serialization


def assert_same(a, b):
    assert type(a) is type(b)
    if isinstance(a, dict):
        assert list(a) == list(b)
        for key in a:
            assert_same(a[key], b[key])
    elif isinstance(a, (list, tuple)):
        assert len(a) == len(b)
        for x, y in zip(a, b):
            assert_same(x, y)
    elif isinstance(a, (mg.Tensor, np.ndarray)):
        assert a.dtype == b.dtype
        x, y = (v.numpy() if isinstance(v, mg.Tensor) else v for v in (a, b))
        np.testing.assert_array_equal(x, y)
    elif a != a:
        assert b != b
    else:
        assert a == b


def network():
    mg.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))


@pytest.mark.parametrize("name", ["w.npz", "w.safetensors", "w.pt", "weights"])
def test_a_state_dict_comes_back(name, tmp_path):
    if name.endswith("safetensors"):
        pytest.importorskip("safetensors")
    saved, other = network(), network()
    for p in other.parameters():
        with mg.no_grad():
            p.zero_()
    mg.save(saved.state_dict(), tmp_path / name)
    assert os.listdir(tmp_path) == [name]
    other.load_state_dict(mg.load(tmp_path / name, map_location="cpu", weights_only=True))
    for p, q in zip(saved.parameters(), other.parameters()):
        np.testing.assert_array_equal(p.detach().numpy(), q.detach().numpy())


def test_numpy_reads_a_state_dict(tmp_path):
    mg.save(network().state_dict(), tmp_path / "w.npz")
    with np.load(tmp_path / "w.npz", allow_pickle=False) as archive:
        assert archive.files == ["0.weight", "0.bias", "2.weight", "2.bias"]
        np.testing.assert_array_equal(archive["0.bias"], network()[0].bias.detach().numpy())
    np.savez_compressed(tmp_path / "theirs.npz", a=np.arange(3), b=np.eye(2))
    found = mg.load(tmp_path / "theirs.npz")
    np.testing.assert_array_equal(found["b"].numpy(), np.eye(2))


@pytest.mark.parametrize("dtype", ["?", "i1", "u2", "i8", "f2", "f4", "f8", ">f4"])
@pytest.mark.parametrize("shape", [(), (0,), (2, 0, 3), (3, 2), (2, 1, 2)])
@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_types_and_shapes(dtype, shape, suffix, tmp_path):
    if suffix == ".safetensors":
        pytest.importorskip("safetensors")
    array = np.random.default_rng(0).integers(0, 2, shape).astype(dtype)
    for order in "CF":
        mg.save({"t": mg.from_numpy(np.array(array, order=order))}, tmp_path / ("a" + suffix))
        found = mg.load(tmp_path / ("a" + suffix))["t"]
        assert found.shape == shape
        assert found.dtype == array.dtype.newbyteorder("=")
        np.testing.assert_array_equal(found.numpy(), array)


leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.lists(st.integers(0, 9), max_size=3).map(lambda v: mg.tensor(np.array(v, np.int64))),
    st.lists(st.floats(-1, 1), max_size=3).map(lambda v: np.array(v, np.float64)),
)
keys = st.one_of(st.text(max_size=4), st.integers(-3, 3), st.booleans())
trees = st.recursive(
    leaves,
    lambda below: st.one_of(
        st.lists(below, max_size=3),
        st.lists(below, max_size=3).map(tuple),
        st.dictionaries(keys, below, max_size=3),
    ),
    max_leaves=8,
)


@given(trees)
@settings(deadline=None, max_examples=150)
def test_nested_objects_come_back(tree):
    file = io.BytesIO()
    mg.save(tree, file)
    file.seek(0)
    assert_same(tree, mg.load(file))


def test_loaded_tensors_can_be_changed(tmp_path):
    mg.save({"a": mg.ones(3)}, tmp_path / "a.npz")
    a = mg.load(tmp_path / "a.npz")["a"]
    a += 1
    np.testing.assert_array_equal(a.numpy(), [2, 2, 2])


def test_a_failed_save_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.npz"
    mg.save({"a": mg.ones(3)}, path)

    def fail(file):
        file.write(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        serialization.write_atomically(path, fail)
    with pytest.raises(TypeError, match="object"):
        mg.save({"a": mg.ones(3), "b": object()}, path)
    assert os.listdir(tmp_path) == ["a.npz"]
    assert_same(mg.load(path), {"a": mg.ones(3)})


KILLED = """
import os, sys, minigrad as mg
path, number = sys.argv[1], 0
while True:
    number += 1
    mg.save({"number": number, "w": mg.ones(200, 200) * number}, path)
    if number == 1:
        print("ready", flush=True)
"""


def test_a_killed_process_leaves_a_whole_file(tmp_path):
    path = tmp_path / "a.npz"
    for wait in (0.05, 0.11, 0.18):
        command = [sys.executable, "-c", KILLED, str(path)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        process.stdout.readline()
        try:
            process.wait(wait)
        except subprocess.TimeoutExpired:
            process.kill()
        process.wait()
        process.stdout.close()
        found = mg.load(path)
        assert (found["w"].numpy() == found["number"]).all()


# ------------------------------------------------------------------------------------ hostile files


def sample(suffix):
    if suffix == ".safetensors":
        pytest.importorskip("safetensors")
        return serialization.to_safetensors({"a": mg.arange(5), "b": mg.ones(2, 3)})
    file = io.BytesIO()
    mg.save({"a": mg.arange(5), "b": [mg.ones(2, 3), 1.5]}, file)
    return file.getvalue()


def load_or_refuse(data):
    """Load, or have it refused; no other outcome is right."""
    try:
        return mg.load(io.BytesIO(data))
    except ValueError as error:
        if not str(error).startswith("load: "):
            raise
        return None


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_truncated_anywhere(suffix):
    data = sample(suffix)
    assert load_or_refuse(data) is not None
    for end in range(len(data)):
        assert load_or_refuse(data[:end]) is None


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_flipped_bytes(suffix):
    data = sample(suffix)
    rng = np.random.default_rng(0)
    for trial in range(1500):
        damaged = bytearray(data)
        for position in rng.integers(0, len(data), 1 + trial % 3):
            damaged[position] = rng.integers(256)
        load_or_refuse(bytes(damaged))


@given(st.binary(max_size=200))
@settings(deadline=None)
def test_random_bytes(data):
    load_or_refuse(data)
    load_or_refuse(b"PK\x03\x04" + data)
    load_or_refuse(struct.pack("<Q", len(data)) + b"{" + data)


def archive(**entries):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as out:
        for name, data in entries.items():
            out.writestr(f"{name}.npy", data)
    return file.getvalue()


def npy(header, data=b"", version=b"\x01\x00"):
    return b"\x93NUMPY" + version + struct.pack("<H", len(header)) + header.encode() + data


def header(shape, descr="'<f4'"):
    return f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n"


class Touch:
    """Pickled, it creates a file when it is loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (self.path, "w"))


def test_nothing_is_executed(tmp_path):
    victim = str(tmp_path / "victim")
    array = np.empty(1, object)
    array[0] = Touch(victim)
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, allow_pickle=True)
    inside = io.BytesIO()
    with zipfile.ZipFile(inside, "w") as out:
        out.writestr("archive/data.pkl", pickle.dumps(Touch(victim)))
    for data in (
        pickle.dumps(Touch(victim)),
        archive(a=stream.getvalue()),
        inside.getvalue(),
        archive(a=npy("__import__('os').system('touch " + victim + "')\n")),
    ):
        assert load_or_refuse(data) is None
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "entry",
    [
        npy(header((2**40,))),
        npy(header((2**62, 2**62))),
        npy(header((-1,)), b"\0" * 4),
        npy(header((-2, -3)), b"\0" * 24),
        npy(header((3,)), b"\0" * 8),
        npy(header((1,)), b"\0" * 8),
        npy(header((1.5,)), b"\0" * 8),
        npy(header(("a",)), b"\0" * 8),
        npy(header((1,), "'|O'"), b"\0" * 8),
        npy(header((1,), "'<U2'"), b"\0" * 8),
        npy(header((1,), "'<M8[s]'"), b"\0" * 8),
        npy(header((1,), "[('a', '<f4'), ('b', '<f4')]"), b"\0" * 8),
        npy(header((1,), "('<f4', (2,))"), b"\0" * 8),
        npy(header((1,), "'<V8'"), b"\0" * 8),
        npy("{" * 5000),
        npy("[" * 9000),
        npy(header((1,)), b"\0" * 4, version=b"\x09\x00"),
        b"no array at all",
        b"",
    ],
)
def test_arrays_that_are_not_what_they_say(entry):
    assert load_or_refuse(archive(a=entry)) is None


@pytest.mark.parametrize(
    "structure",
    [
        "not json",
        '["tensor", "missing"]',
        '["dict", [[["a"], 1]]]',
        '["dict", 7]',
        '["code", "print(1)"]',
        '{"a": 1}',
        "[" * 100_000,
        "[]",
    ],
)
def test_structures_that_are_not(structure):
    stream = io.BytesIO()
    np.save(stream, np.frombuffer(structure.encode(), np.uint8))
    assert load_or_refuse(archive(__structure__=stream.getvalue())) is None


def packed(method):
    """Ten million zeros, as small as a method makes them."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as out:
        out.writestr("a.npy", npy(header((10**7,))) + b"\0" * (4 * 10**7))
    return file.getvalue()


def bzip2_bomb():
    return packed(zipfile.ZIP_BZIP2)


def lzma_bomb():
    return packed(zipfile.ZIP_LZMA)


def claims_of_a_terabyte():
    """A packed entry whose directory says that it holds more than there is memory."""
    good = packed(zipfile.ZIP_DEFLATED)
    size = struct.pack("<I", len(npy(header((10**7,)))) + 4 * 10**7)
    assert good.count(size) == 2
    return good.replace(size, struct.pack("<I", 0xFFFFFFFE))


def huge_safetensors():
    text = json.dumps(
        {"a": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}
    ).encode()
    return struct.pack("<Q", len(text)) + text


@pytest.mark.parametrize(
    "make",
    [
        bzip2_bomb,
        lzma_bomb,
        claims_of_a_terabyte,
        lambda: archive(a=npy(header((2**34,)))),
        huge_safetensors,
    ],
)
def test_little_memory_is_used(make):
    data = make()
    if make is huge_safetensors:
        pytest.importorskip("safetensors")
    load_or_refuse(b"PK")  # imports happen before memory is measured
    tracemalloc.start()
    try:
        assert load_or_refuse(data) is None
        assert tracemalloc.get_traced_memory()[1] < 20 * len(data) + 10**6
    finally:
        tracemalloc.stop()


def test_entries_that_share_their_bytes():
    data = npy(header((1000,)), b"\0" * 4000)
    good = archive(a=data, b=data)
    # the directory says that b lies where a does
    position = good.rfind(b"PK\x01\x02")
    offset = position + 42
    assert load_or_refuse(good) is not None
    assert load_or_refuse(good[:offset] + b"\0\0\0\0" + good[offset + 4 :]) is None


# ------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("value", "error", "words"),
    [
        (object(), TypeError, "object"),
        ({"a": {1, 2}}, TypeError, "'a' is a set"),
        ({"a": np.array(["x"])}, TypeError, "not of numbers"),
        ({(1, 2): 3}, TypeError, "key"),
        (network(), TypeError, "state_dict"),
    ],
)
def test_what_cannot_be_saved(value, error, words, tmp_path):
    with pytest.raises(error, match=words):
        mg.save(value, tmp_path / "a.npz")
    assert os.listdir(tmp_path) == []


def test_what_contains_itself(tmp_path):
    circle = {}
    circle["again"] = [circle]
    with pytest.raises(ValueError, match="contains itself"):
        mg.save(circle, tmp_path / "a.npz")


def test_safetensors_are_flat(tmp_path):
    pytest.importorskip("safetensors")
    with pytest.raises(ValueError, match="flat"):
        mg.save({"a": {"b": mg.ones(2)}}, tmp_path / "a.safetensors")
    with pytest.raises(TypeError, match="dict"):
        mg.save([mg.ones(2)], tmp_path / "a.safetensors")


def test_where_to_load(tmp_path):
    with pytest.raises(FileNotFoundError):
        mg.load(tmp_path / "missing.npz")
    with pytest.raises(ValueError, match="CPU"):
        mg.load(tmp_path / "missing.npz", map_location="cuda")


def test_a_whole_module_is_refused_with_the_lines_to_write(tmp_path):
    layer = mg.nn.Linear(2, 1)
    for obj in (layer, {"model": layer}, mg.optim.SGD(layer.parameters(), lr=0.1)):
        with pytest.raises(TypeError) as caught:
            mg.save(obj, tmp_path / "x.npz")
        assert "save(x.state_dict(), file)" in str(caught.value)
        assert "x.load_state_dict(load(file))" in str(caught.value)
    assert not list(tmp_path.iterdir())
