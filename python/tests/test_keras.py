"""Keras' callback, with each backend in a process of its own: what is fitted is the same with it, and what it saw is stored."""

import subprocess
import sys
import textwrap
from importlib.util import find_spec

import numpy as np
import pytest
from test_examples import environment

import deepeyes

pytestmark = pytest.mark.skipif(find_spec("keras") is None, reason="Keras is not installed")

FIT = textwrap.dedent("""
    import sys

    import keras
    import numpy as np
    from keras import layers

    import deepeyes.keras
    from deepeyes import _maps

    _maps.STEPS = 2


    def fit(callbacks):
        keras.utils.set_random_seed(3)
        inputs = keras.Input((12, 12, 3))
        x = layers.Conv2D(6, 5, strides=2, padding="same", name="first", activity_regularizer="l2")(inputs)
        skip = x = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.Conv2D(6, 3, padding="same", name="second")(x)
        x = layers.ReLU(name="join")(layers.Add()([x, skip]))
        x = layers.Dropout(0.3)(layers.Flatten()(layers.MaxPooling2D(2)(x)))
        tail = keras.Sequential([keras.Input((54,)), layers.Dense(16, "tanh", name="hidden")], name="tail")
        model = keras.Model(inputs, layers.Dense(4, name="scores")(tail(x)), name="fitted")
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile("adam", loss, metrics=["accuracy"])
        random = np.random.default_rng(0)
        images, labels = random.random((128, 12, 12, 3), np.float32), random.integers(0, 4, 128)
        model.fit(images, labels, 16, 2, verbose=0, validation_split=0.25, callbacks=callbacks)
        return model, [np.asarray(v) for v in model.variables + model.optimizer.variables], model.train_function


    plain, plain_values, _ = fit([])
    seen, seen_values, function = fit([deepeyes.keras.Callback(sys.argv[1], labels="abcd", budget=1.0)])
    assert all(np.array_equal(a, b) for a, b in zip(plain_values, seen_values, strict=True)), "values differ"
    assert "listening" not in function.__qualname__ and not any("call" in vars(layer) for layer in seen.layers)
""")


@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_a_fit_is_the_same_and_is_stored(backend, tmp_path):
    command = [sys.executable, "-c", FIT, str(tmp_path)]
    answer = subprocess.run(command, capture_output=True, text=True, env=environment(KERAS_BACKEND=backend))
    assert answer.returncode == 0 and "stopped watching" not in answer.stderr, answer.stderr

    run = deepeyes.open("fitted", tmp_path)
    info, layers, scalars = run.info(), run.layers(), run.scalars()
    assert (info["status"], info["step"]) == ("finished", 12)
    assert list(layers) == ["first", "second", "tail/hidden", "scores"]
    fields = {name: layer["receptive_field"] for name, layer in layers.items()}
    assert fields["first"] == {"size": [5, 5], "stride": [2, 2], "offset": [-1, -1]}
    assert fields["second"] == {"size": [9, 9], "stride": [2, 2], "offset": [-3, -3]}
    assert fields["tail/hidden"]["size"] == fields["scores"]["size"] == [12, 12]
    assert all(layer["input_map"] is not None for layer in layers.values())
    assert layers["scores"]["rectify"] == "softmax" and layers["first"]["rectify"] == "relu"
    assert np.isfinite(scalars["loss"]).all() and np.isfinite(scalars["train_accuracy"]).all()
    assert np.isfinite(scalars["accuracy"]).sum() == 2
    assert (run.instances("second")["activations"] >= 0).all(), "after the add and its nonlinearity"
