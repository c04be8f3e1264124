"""A Keras network on MNIST. `KERAS_BACKEND=torch` or `jax` chooses the backend."""

import argparse
import os

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
from data import mnist

import deepeyes.keras


def network() -> keras.Model:
    """Two convolutions, one with batch norm, and two dense layers."""
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(12, 5, activation="relu", name="conv1"),
            layers.MaxPooling2D(2),
            layers.Conv2D(24, 5, padding="same", use_bias=False, name="conv2"),
            layers.BatchNormalization(),
            layers.Activation("relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dropout(0.2),
            layers.Dense(48, activation="relu", name="fc1"),
            layers.Dense(10, name="fc2"),
        ],
        name="keras",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--logdir", default="runs")
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--budget", type=float, default=0.015)
    arguments = parser.parse_args()

    keras.utils.set_random_seed(0)
    images, labels = mnist()
    held_out, held_out_labels = mnist("t10k")
    model = network()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.SGD(0.05, momentum=0.9), loss=loss, metrics=["accuracy"])
    callback = deepeyes.keras.Callback(
        arguments.logdir, labels=[str(digit) for digit in range(10)], budget=arguments.budget
    )
    model.fit(
        images[: arguments.images, :, :, None],
        labels[: arguments.images],
        batch_size=64,
        verbose=2,  # pyright: ignore[reportArgumentType]
        validation_data=(held_out[:1000, :, :, None], held_out_labels[:1000]),
        callbacks=[callback],
    )
    assert callback.run is not None
    print(callback.run.location)


if __name__ == "__main__":
    main()
