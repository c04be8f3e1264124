"""Plain `observe`: arrays of any framework, their layouts, and what never reaches the training."""

import warnings

import numpy as np
import pytest
from fake import FakeRecorder

import deepeyes
from deepeyes import _maps, _native
from deepeyes._reads import Window, narrowed
from deepeyes._sampler import Layout


@pytest.fixture
def recorder(monkeypatch):
    monkeypatch.setattr(_native, "Recorder", FakeRecorder)


def activations(batch=6, filters=5, height=3, width=4):
    """`[N, F, H, W]` whose values say where they are: input, position, filter."""
    n, f, p = np.arange(batch), np.arange(filters), np.arange(height * width).reshape(height, width)
    return (n[:, None, None, None] * 10_000 + p * 100 + f[:, None, None]).astype(np.float32)


def check_rows(layer, filters=5):
    rows, places, positions = layer
    expected = places[:, None] * 10_000.0 + positions[:, None] * 100.0 + np.arange(filters)
    np.testing.assert_array_equal(rows, expected)


@pytest.mark.parametrize("last", [False, True])
def test_rows_are_the_values_at_their_places(recorder, last):
    values = activations()
    with deepeyes.start(budget=1.0) as run:
        for _ in range(3):
            run.observe("conv", values.transpose(0, 2, 3, 1) if last else values, channels_last=last)
            run.step(inputs=np.arange(6, dtype=np.float32)[:, None])
    fake = FakeRecorder.last
    assert fake is not None and len(fake.batches) == 3
    layer = fake.description["layers"][0]
    assert (layer["kind"], layer["filters"], tuple(layer["grid"])) == ("conv2d", 5, (3, 4))
    for batch in fake.batches:
        check_rows(batch["layers"]["conv"])
        assert len(batch["layers"]["conv"][0]) == 6 * 6, "half of the positions of every input"


def test_arrays_of_other_frameworks(recorder):
    torch = pytest.importorskip("torch")

    class OnlyDlpack:
        def __init__(self, array):
            self.array, self.shape = array, array.shape

        def __dlpack__(self, **options):
            return self.array.__dlpack__(**options)

        def __dlpack_device__(self):
            return self.array.__dlpack_device__()

    values = activations()
    tensor = torch.tensor(values, requires_grad=True)
    with deepeyes.start(budget=1.0) as run:
        for array in (tensor, torch.tensor(values).bfloat16(), OnlyDlpack(values), values.astype(np.float64)):
            run.observe("conv", array)
            run.step(loss=(tensor * 0 + 2).mean())
    fake = FakeRecorder.last
    assert fake is not None
    exact = [fake.batches[at]["layers"]["conv"] for at in (0, 2, 3)]
    for layer in exact:
        check_rows(layer)
    assert set(fake.losses.values()) == {2.0}


def test_what_is_known_of_the_inputs(recorder):
    images = np.random.default_rng(0).random((4, 8, 8, 3)).astype(np.float32)
    scores = np.eye(3, dtype=np.float32)[[0, 1, 2, 2]]
    with deepeyes.start(budget=1.0, channels_last=True, labels=["a", "b", "c"]) as run:
        run.observe("conv", images[..., :1].repeat(2, 3), receptive_field=((3, 3), (1, 1), (-1, -1)))
        run.observe("out", scores, output=True)
        run.step(inputs=images, labels=np.array([0, 1, 2, 0]), indices=[7, 8, 9, 10])
        run.observe("out", scores, output=True)
        run.observe("late", scores)
        run.step(inputs=images, labels=np.eye(3)[[0, 1, 2, 0]])
    fake = FakeRecorder.last
    assert fake is not None
    first, second = fake.batches
    assert tuple(fake.description["input"]) == (3, 8, 8) and fake.description["classes"] == ["a", "b", "c"]
    conv, out = fake.description["layers"]
    assert conv["receptive_field"]["offset"] == [-1, -1] and out["rectify"] == "softmax" and out["output"]
    assert first["inputs"].tolist() == [7, 8, 9, 10] and len(set(second["inputs"].tolist())) == 4
    assert first["predictions"].tolist() == [0, 1, 2, 2] and first["accuracy"] == 0.75
    assert second["labels"].tolist() == [0, 1, 2, 0], "one-hot labels"
    np.testing.assert_allclose(first["images"], images * 255, atol=0.51)
    assert list(second["layers"]) == ["out"], "a layer that comes late is left out"


@pytest.mark.parametrize("last", [False, True])
def test_a_window_is_what_a_convolution_reads(last):
    """Against the definition, value by value."""
    random = np.random.default_rng(0)
    image = random.random((2, 3, 7, 9)).astype(np.float32)
    kernel, stride, before, dilation, grid = (3, 2), (2, 1), (1, 0), (1, 2), (4, 7)
    window = Window(image.transpose(0, 2, 3, 1) if last else image, kernel, stride, before, dilation, last)
    places, positions = np.repeat([0, 1], 28), np.tile(np.arange(28), 2)
    found = window(Layout(5, grid, leading=not last), places, positions)
    assert found.shape == (56, 3, 2, 3)
    for place, position, values in zip(places, positions, found, strict=True):
        for y, x in np.ndindex(*kernel):
            row = position // 7 * 2 - 1 + y
            column = position % 7 + 2 * x
            inside = 0 <= row < 7 and 0 <= column < 9
            np.testing.assert_array_equal(values[y, x], image[place, :, row, column] if inside else 0)


def test_instances_hold_what_the_layers_read(recorder, monkeypatch):
    monkeypatch.setattr(_maps, "STEPS", 2)
    reads = np.arange(6 * 12 * 300, dtype=np.float32).reshape(6, 12, 300) % 7
    with deepeyes.start(budget=1.0) as run:
        for _ in range(4):
            run.observe(
                "tokens", activations(width=12, height=1)[:, :, 0].transpose(0, 2, 1), channels_last=True, reads=reads
            )
            run.observe("out", np.ones((6, 2)))
            run.step(labels=np.arange(6))
    fake = FakeRecorder.last
    assert fake is not None and len(fake.instance_events) == 1, "the next ones are some seconds away"
    step, inputs, labels, _, _, (tokens, out) = fake.instance_events[0]
    places, positions, rows, fields = tokens
    assert (step, len(inputs), labels.tolist()) == (2, 12, [0, 1, 2, 3, 4, 5] * 2)
    check_rows((rows, places % 6, positions))
    np.testing.assert_array_equal(fields, narrowed(reads[places % 6, positions]))
    assert fields.shape == (12 * 3, 256) and all(len(part) == 0 for part in out)


def test_observe_on_the_default_run(recorder):
    deepeyes.start(budget=1.0)
    for step in range(3):
        deepeyes.observe("a", np.ones((4, 2)), step=step, loss=step)
        deepeyes.observe("b", np.ones((4, 3)), step=step, labels=np.zeros(4, int))
    deepeyes.start().close()
    fake = FakeRecorder.last
    assert fake is not None and len(fake.batches) == 3
    assert list(fake.losses.values()) == [0, 1, 2]
    assert all(set(batch["layers"]) == {"a", "b"} and len(batch["labels"]) == 4 for batch in fake.batches)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (lambda run: run.observe("x", object()), "x"),
        (lambda run: run.observe("x", np.ones(3)), r"\[N, F\]"),
        (lambda run: (run.observe("x", np.ones((3, 2))), run.observe("y", np.ones((4, 2)))), "step()"),
        (lambda run: (run.observe("x", np.ones((3, 2))), run.step(indices=[1])), "ind"),
    ],
)
def test_what_is_wrong_is_told_once_and_switches_off(recorder, wrong, why):
    run = deepeyes.start(budget=1.0)
    with pytest.warns(RuntimeWarning, match=why):
        wrong(run)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        wrong(run)
        run.step(loss="nonsense")
        run.close()
    assert not run.sampling


def test_disabled(monkeypatch, tmp_path):
    monkeypatch.setenv("DEEPEYES_MODE", "disabled")
    run = deepeyes.start(tmp_path / "runs")
    run.observe("x", np.ones((3, 2)))
    run.step(loss=1.0)
    run.close()
    assert not run.sampling and not (tmp_path / "runs").exists()
