"""A Flax NNX convolutional network on MNIST; the layers are observed outside of the compiled step."""

import argparse

import jax
import numpy as np
import optax
from data import mnist
from flax import nnx

import deepeyes
import deepeyes.jax


class Network(nnx.Module):
    """Two convolutions and two dense layers."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.conv1 = nnx.Conv(1, 16, (5, 5), padding="VALID", rngs=rngs)
        self.conv2 = nnx.Conv(16, 24, (5, 5), padding="VALID", rngs=rngs)
        self.fc1 = nnx.Linear(4 * 4 * 24, 64, rngs=rngs)
        self.drop = nnx.Dropout(0.2, rngs=rngs)
        self.fc2 = nnx.Linear(64, 10, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        x = nnx.max_pool(nnx.relu(self.conv1(x)), (2, 2), (2, 2))
        x = nnx.max_pool(nnx.relu(self.conv2(x)), (2, 2), (2, 2))
        x = nnx.relu(self.fc1(x.reshape(x.shape[0], -1)))
        return self.fc2(self.drop(x))


@nnx.jit
def train_step(model: Network, optimizer: nnx.Optimizer, x: jax.Array, y: jax.Array) -> jax.Array:
    """One step; gives the loss."""

    def loss_of(model: Network) -> jax.Array:
        return optax.softmax_cross_entropy_with_integer_labels(model(x), y).mean()

    loss, gradients = nnx.value_and_grad(loss_of)(model)
    optimizer.update(model, gradients)
    return loss


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--logdir", default="runs")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--budget", type=float, default=0.015)
    arguments = parser.parse_args()

    images, labels = mnist()
    model = Network(nnx.Rngs(0))
    optimizer = nnx.Optimizer(model, optax.sgd(0.05, momentum=0.9), wrt=nnx.Param)
    random = np.random.default_rng(0)

    classes = [str(digit) for digit in range(10)]
    run = deepeyes.start(arguments.logdir, name="jax", labels=classes, channels_last=True, budget=arguments.budget)
    loss = None
    for _ in range(arguments.steps):
        chosen = random.integers(0, len(images), 64)
        x, y = jax.numpy.asarray(images[chosen, :, :, None]), jax.numpy.asarray(labels[chosen])
        loss = train_step(model, optimizer, x, y)
        deepeyes.jax.observe(run, model, x)
        run.step(inputs=x, labels=y, indices=chosen, loss=loss)
    run.close()
    print(f"loss {loss:.3f}; {run.location}")


if __name__ == "__main__":
    main()
