"""JAX: a model's layers outside of `jit`, and single layers inside."""

import numpy as np
import pytest
from fake import FakeRecorder

import deepeyes
from deepeyes import _maps, _native

jax = pytest.importorskip("jax")
nnx = pytest.importorskip("flax.nnx")

import deepeyes.jax  # noqa: E402


class Network(nnx.Module):
    def __init__(self, rngs):
        self.conv = nnx.Conv(1, 4, (3, 3), rngs=rngs)
        self.norm = nnx.BatchNorm(4, rngs=rngs)
        self.drop = nnx.Dropout(0.5, rngs=rngs)
        self.dense = nnx.List([nnx.Linear(4 * 36, 8, rngs=rngs), nnx.Linear(8, 3, rngs=rngs)])

    def __call__(self, x):
        x = nnx.relu(self.norm(self.conv(x)))
        return self.dense[1](self.drop(nnx.relu(self.dense[0](x.reshape(len(x), -1)))))


@nnx.jit
def train_step(model, x, y):
    def loss_of(model):
        return -(jax.nn.log_softmax(model(x)) * jax.nn.one_hot(y, 3)).sum(1).mean()

    loss, gradients = nnx.value_and_grad(loss_of)(model)
    state = nnx.state(model, nnx.Param)
    nnx.update(model, jax.tree.map(lambda value, gradient: value - 0.1 * gradient, state, gradients))
    return loss


def train(run):
    model, random = Network(nnx.Rngs(0)), np.random.default_rng(0)
    for _ in range(4):
        x, y = random.random((8, 6, 6, 1), np.float32), random.integers(0, 3, 8)
        loss = train_step(model, x, y)
        if run is not None:
            deepeyes.jax.observe(run, model, x)
            run.step(inputs=x, labels=y, loss=loss)
    return jax.tree.map(np.asarray, jax.tree.leaves(nnx.state(model, nnx.Not(nnx.RngKey)))), model


def test_fields_are_probed_through_branches_and_maxima():
    from deepeyes.jax._nnx import forward

    class Branched(nnx.Module):
        def __init__(self, rngs):
            self.first = nnx.Conv(3, 6, (7, 7), strides=2, rngs=rngs)
            self.wide = nnx.Conv(6, 6, (3, 3), kernel_dilation=2, rngs=rngs)
            self.last = nnx.Conv(6, 4, (3, 3), rngs=rngs)

        def __call__(self, x):
            x = nnx.gelu(self.first(x))
            x = nnx.max_pool(nnx.relu(self.wide(x) + x), (3, 3), (2, 2))
            return self.last(x)

    found = forward(Branched(nnx.Rngs(0)), (np.zeros((2, 64, 64, 3), np.float32),))
    fields = [(one.receptive_field.size, one.receptive_field.stride, one.receptive_field.offset) for one in found]
    assert fields[0] == ((7, 7), (2, 2), (-2, -2)), "64 pixels in steps of 2: 5 of padding, 2 of them before"
    assert fields[1] == ((15, 15), (2, 2), (-6, -6))
    assert fields[2] == ((27, 27), (4, 4), (-10, -10))


def test_a_model_is_observed_and_not_touched(monkeypatch):
    monkeypatch.setattr(_native, "Recorder", FakeRecorder)
    monkeypatch.setattr(_maps, "STEPS", 2)
    plain, _ = train(None)
    with deepeyes.start(budget=1.0, channels_last=True) as run:
        seen, model = train(run)
    assert all(np.array_equal(a, b) for a, b in zip(plain, seen, strict=True))
    assert type(model.conv) is nnx.Conv
    fake = FakeRecorder.last
    assert fake is not None and len(fake.batches) == 4
    assert [(layer["name"], layer["kind"], layer["output"]) for layer in fake.description["layers"]] == [
        ("conv", "conv2d", False),
        ("dense.0", "dense", False),
        ("dense.1", "dense", True),
    ]
    fields = [layer["receptive_field"] for layer in fake.description["layers"]]
    assert fields[0] == {"size": [3, 3], "stride": [1, 1], "offset": [-1, -1]}
    assert fields[1]["size"] == fields[2]["size"] == [6, 6]
    assert fake.description["parameters"] == (9 * 4 + 4) + (4 * 36 * 8 + 8) + (8 * 3 + 3)
    rows, _, positions = fake.batches[-1]["layers"]["conv"]
    assert rows.shape == (8 * 18, 4) and positions.max() < 36
    _, inputs, _, _, images, layers = fake.instance_events[0]
    assert len(inputs) == 16 and [layer[3].shape[1] for layer in layers] == [9, 4 * 36, 8]
    places, positions, _, fields = layers[0]
    # The pixel in the middle of what a 3 x 3 kernel reads is the one at its own position.
    pixels = images[places, positions // 6, positions % 6, 0] / 255
    np.testing.assert_allclose(fields[:, 4], pixels, atol=0.003)


@pytest.mark.parametrize("told", [False, True])
def test_a_layer_is_observed_in_compiled_code(monkeypatch, told):
    monkeypatch.setattr(_native, "Recorder", FakeRecorder)
    run = deepeyes.start(budget=1.0 if told else 0.5)

    @jax.jit
    def step(x, when):
        hidden = jax.numpy.maximum(x, 0)
        deepeyes.jax.observe(run, "hidden", hidden, when=when if told else None)
        deepeyes.jax.observe(run, "output", hidden * 2, when=when if told else None, output=True)
        return hidden.sum()

    for number in range(3):
        x = np.full((4, 5), number, np.float32)
        loss = step(x, run.sampling)
        run.step(inputs=x, loss=loss)
    run.close()
    fake = FakeRecorder.last
    assert fake is not None and [layer["name"] for layer in fake.description["layers"]] == ["hidden", "output"]
    for batch in fake.batches:
        rows = batch["layers"]["hidden"][0]
        assert (rows == fake.losses[batch["step"]] / 20).all()
        np.testing.assert_array_equal(batch["layers"]["output"][0], rows * 2)


def test_what_fails_in_it_is_told_and_raises_nothing(monkeypatch):
    run = deepeyes.start(budget=1.0)
    with pytest.warns(RuntimeWarning, match="deepeyes stopped watching"):
        deepeyes.jax.observe(run, Network(nnx.Rngs(0)), np.ones((2, 3)))
    run.close()
