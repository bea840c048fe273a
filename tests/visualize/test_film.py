"""The film of a training: what it records, what its frames are, and how the page shows them."""

from __future__ import annotations

import base64
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.visualize import scenes

MLP = (2, 6, 3)


def spiral(n: int = 60) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    angles = rng.uniform(0, 2 * np.pi, n)
    classes = rng.integers(0, 3, n)
    points = np.stack([np.cos(angles + classes), np.sin(angles)], 1) * (1 + classes[:, None])
    return points.astype("f"), classes


def trained(steps: int = 90, frames: int = 12, watched: bool = True) -> tuple[Any, Any, Any]:
    mg.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 6), nn.Tanh(), nn.Linear(6, 3))
    X, y = (mg.tensor(each) for each in spiral())
    film = mg.visualize.film(model, X, y, frames=frames)
    optimizer = mg.optim.Adam(model.parameters(), lr=0.05)
    kept = [[p.numpy().copy() for p in map(mg.Tensor.detach, model.parameters())]]
    for _ in range(steps):
        if watched:
            film.record()
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(X), y).backward()
        optimizer.step()
        kept.append([p.detach().numpy().copy() for p in model.parameters()])
    return film, model, kept


def data_of(path: Path) -> Any:
    found = re.search(r'id="data">(.*?)</script>', path.read_text(encoding="utf-8"), re.S)
    assert found is not None
    return json.loads(found[1])


def pixels(image: str, size: list[int]) -> Any:
    """The bytes of the frames of a series, read by another library."""
    pillow = pytest.importorskip("PIL.Image")
    array = np.asarray(pillow.open(io.BytesIO(base64.b64decode(image))))
    return array.reshape(-1, *size)


def test_snapshots_are_the_parameters_of_their_steps() -> None:
    film, _, kept = trained()
    assert [step for step, _ in film.snapshots[:33]] == list(range(33))
    for step, numbers in film.snapshots:
        for snapshot, then in zip(numbers, kept[step]):
            assert np.array_equal(snapshot, then)
    chosen = [step for step, _ in film.chosen()]
    assert len(chosen) == 12
    assert chosen[0] == 0
    assert chosen == sorted(set(chosen))
    assert np.diff(chosen)[-1] >= np.diff(chosen)[0]


def test_a_long_training_keeps_few_snapshots() -> None:
    film, _, _ = trained(0)
    for _ in range(100_000):
        film.record()
    assert len(film.snapshots) < 320
    film.most, film.snapshots, film.next = 10, [], film.steps
    for _ in range(1000):
        film.record()
    assert len(film.snapshots) <= 11


def test_training_is_the_same_with_a_film() -> None:
    (_, one, _), (_, other, _) = trained(), trained(watched=False)
    for a, b in zip(one.parameters(), other.parameters()):
        assert np.array_equal(a.detach(), b.detach())


@pytest.mark.parametrize("make", [nn.BatchNorm1d, lambda n: nn.Dropout(0.5)])
def test_saving_leaves_the_model_as_it_was(make: Any, tmp_path: Path) -> None:
    mg.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 6), make(6), nn.ReLU(), nn.Linear(6, 3))
    X, y = spiral()
    film = mg.visualize.film(model, X, y)
    optimizer = mg.optim.SGD(model.parameters(), lr=0.1)
    mg.training.fit(
        model, "cross_entropy", optimizer, (X, y), epochs=2, callbacks=[film], progress=False
    )
    state = {name: t.numpy().copy() for name, t in model.state_dict().items()}
    grads = [p.grad for p in model.parameters()]
    film.save(tmp_path / "film.html")
    assert all(np.array_equal(t.numpy(), state[name]) for name, t in model.state_dict().items())
    assert all(a is b for a, b in zip(grads, (p.grad for p in model.parameters())))
    assert all(module.training for module in model.modules())


def test_fit_records_each_step_of_the_optimizer() -> None:
    film, model, _ = trained(0)
    X, y = spiral()
    optimizer = mg.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(2):
        mg.training.fit(
            model, "cross_entropy", optimizer, (X, y), epochs=3, batch_size=20,
            callbacks=[film], progress=False,
        )  # fmt: skip
    assert film.steps == 1 + 2 * 3 * 3
    optimizer.step()
    assert film.steps == 19, "nothing is recorded after the training"


def test_frames_hold_what_the_model_computes(tmp_path: Path) -> None:
    film, model, kept = trained()
    data = data_of(film.save(tmp_path / "film.html"))
    X, y = film.X, film.y
    steps = data["steps"]
    layers = {(each["kind"], each["name"]): each for each in data["layers"]}
    weight = layers["weight", "0.weight"]
    codes = pixels(weight["image"], weight["size"]).astype(float)
    for frame, step in enumerate(steps[:-1]):
        read = (codes[frame] - 128) / 127 * weight["bound"]
        assert np.allclose(read, kept[step][0], atol=weight["bound"] / 127)
    assert np.allclose(
        weight["sizes"][:-1], [np.sqrt(np.mean(kept[s][0] ** 2)) for s in steps[:-1]], rtol=1e-3
    )
    output = model(X)
    loss = nn.functional.cross_entropy(output, y)
    assert data["losses"][-1] == pytest.approx(loss.item(), rel=1e-3)
    right = (output.argmax(1) == y).float().mean().item()
    assert data["accuracies"][-1] == pytest.approx(right, abs=1e-3)
    model.zero_grad()
    loss.backward()
    gradient = layers["gradient", "2.weight"]
    read = pixels(gradient["image"], gradient["size"])[-1].astype(float)
    found = (read - 128) / 127 * gradient["bound"]
    expected = next(p for n, p in model.named_parameters() if n == "2.weight").grad.numpy()
    assert np.allclose(found, expected, atol=gradient["bound"] / 127)


def test_the_plane_shows_the_class_with_the_largest_score(tmp_path: Path) -> None:
    film, model, _ = trained()
    plane = data_of(film.save(tmp_path / "film.html"))["plane"]
    codes = pixels(plane["image"], plane["size"])[-1]
    low, high = np.array(plane["low"]), np.array(plane["high"])
    for row, column in ((0, 0), (0, 71), (71, 0), (35, 40)):
        x = low[0] + (high[0] - low[0]) * column / 71
        y = high[1] - (high[1] - low[1]) * row / 71
        scores = model(mg.tensor([[x, y]])).softmax(1)[0]
        assert codes[row, column] // scenes.LEVELS == int(scores.argmax().item())
        sure = (scores.max().item() - 1 / 3) / (2 / 3)
        assert codes[row, column] % scenes.LEVELS == pytest.approx(24 * sure, abs=0.6)


def test_the_surface_is_the_loss_along_the_main_directions() -> None:
    film, _, _ = trained()
    snapshots = film.chosen()
    vectors = np.stack([scenes.flat(numbers) for _, numbers in snapshots])
    directions, way = scenes.principal(vectors - vectors[-1])
    assert np.allclose(directions @ directions.T, np.eye(2), atol=1e-9)
    _, sizes, rows = np.linalg.svd(vectors - vectors[-1])
    assert np.allclose(np.abs(directions @ rows[:2].T), np.eye(2), atol=1e-6)
    assert scenes.explained(vectors - vectors[-1], way) == pytest.approx(
        (sizes[:2] ** 2).sum() / (sizes**2).sum()
    )
    for moves in (np.zeros((3, 5)), np.outer([0.0, 1.0, 2.0], np.ones(5))):
        two, _ = scenes.principal(moves)
        assert np.allclose(two @ two.T, np.eye(2), atol=1e-6), "also where there is no movement"


def test_kernels_are_tiles_with_gaps() -> None:
    kernels = np.arange(2 * 3 * 2 * 2, dtype=float).reshape(2, 3, 2, 2)
    found, whole = scenes.mosaic(kernels)
    assert whole
    assert found.shape == (5, 8)
    assert np.array_equal(found[3:5, 6:8], kernels[1, 2])
    assert np.isnan(found[2]).all()
    assert np.isnan(found[:, 2]).all()
    assert not scenes.mosaic(np.ones((100, 100)))[1]
    codes = scenes.bytes_of(np.array([-2.0, 0.0, 2.0, np.nan, np.inf]), 2.0)
    assert codes.tolist() == [1, 128, 255, 0, 255]


@pytest.mark.parametrize("columns", [1, 2, 5])
@pytest.mark.parametrize("outputs", [1, 3])
def test_data_of_every_shape_has_a_film(columns: int, outputs: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, columns)).astype("f")
    y = rng.integers(0, 3, 30) if outputs == 3 else X.sum(1, keepdims=True)
    model = nn.Sequential(nn.Linear(columns, 4), nn.Tanh(), nn.Linear(4, outputs))
    film = mg.visualize.film(model, X, y)
    optimizer = mg.optim.SGD(model.parameters(), lr=0.1)
    loss = "cross_entropy" if outputs == 3 else "mse"
    mg.training.fit(model, loss, optimizer, (X, y), callbacks=[film], progress=False)
    data = data_of(film.save(tmp_path / "film.html"))
    kind = None if data["plane"] is None else data["plane"]["kind"]
    assert kind == {1: "line", 2: "classes" if outputs == 3 else "score", 5: None}[columns]


def test_what_cannot_be_filmed_is_refused() -> None:
    X, y = spiral()
    with pytest.raises(TypeError, match="module"):
        mg.visualize.film(lambda x: x, X, y)
    with pytest.raises(ValueError, match="no parameters"):
        mg.visualize.film(nn.ReLU(), X, y)
    with pytest.raises(ValueError, match="60 examples and y 59"):
        mg.visualize.film(nn.Linear(2, 3), X, y[1:])
    with pytest.raises(ValueError, match="at least 2"):
        mg.visualize.film(nn.Linear(2, 3), X, y, frames=1)
    with pytest.raises(RuntimeError, match="nothing was recorded"):
        mg.visualize.film(nn.Linear(2, 3), X, y).save("never.html")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_goes_through_the_frames(
    browser: Any, media: Any, theme: str, tmp_path: Path
) -> None:
    film, _, _ = trained()
    path = film.save(tmp_path / "film.html")
    for kind in ("browser", "performance"):
        browser.get_log(kind)
    media(prefers_color_scheme=theme)
    browser.get(path.as_uri())
    from selenium.webdriver.support.ui import WebDriverWait

    frame = "return document.body.dataset"
    WebDriverWait(browser, 20).until(lambda b: b.execute_script(frame).get("ready"))
    assert browser.execute_script("return document.documentElement.dataset.theme") == theme
    pictures = """return [...document.querySelectorAll('canvas')].map(c => c.toDataURL())"""
    first = browser.execute_script(pictures)
    assert len(first) == 3 + 2 + 3 + 2, "the plane, surface and loss; weights, results, gradients"
    browser.execute_script("document.getElementById('next').click()")
    assert browser.execute_script(frame)["frame"] == "1"
    second = browser.execute_script(pictures)
    assert sum(a != b for a, b in zip(first, second)) >= 8
    browser.execute_script("document.getElementById('back').click()")
    assert browser.execute_script(pictures) == first
    browser.execute_script(
        """const s = document.getElementById('scrub');
           s.value = 11; s.dispatchEvent(new Event('input'))"""
    )
    assert browser.execute_script("return document.getElementById('position').textContent") == (
        "frame 12 of 12"
    )
    assert [entry for entry in browser.get_log("browser") if entry["level"] != "INFO"] == []
    sent = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    urls = {
        m["params"]["request"]["url"] for m in sent if m["method"] == "Network.requestWillBeSent"
    }
    own = ("data:", "chrome:")  # the browser's page of a new tab loads pictures of its own
    assert {url for url in urls if not url.startswith(own)} == {path.as_uri()}
