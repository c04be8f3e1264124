"""A network that is written in NumPy, watched by handing over its activations."""

import argparse

import numpy as np
from data import digits

import deepeyes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--logdir", default="runs")
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--budget", type=float, default=0.015)
    arguments = parser.parse_args()

    images, labels = digits()
    random = np.random.default_rng(0)
    w1, b1 = random.normal(0, 0.2, (64, 48)), np.zeros(48)
    w2, b2 = random.normal(0, 0.2, (48, 10)), np.zeros(10)

    classes = [str(digit) for digit in range(10)]
    with deepeyes.start(arguments.logdir, name="numpy", labels=classes, budget=arguments.budget) as run:
        for _ in range(arguments.steps):
            chosen = random.integers(0, len(images), 64)
            x, y = images[chosen].reshape(-1, 64), labels[chosen]

            hidden = np.maximum(x @ w1 + b1, 0)
            scores = hidden @ w2 + b2
            run.observe("hidden", hidden, parameters=w1.size + b1.size)
            run.observe("output", scores, output=True, parameters=w2.size + b2.size)

            probabilities = np.exp(scores - scores.max(1, keepdims=True))
            probabilities /= probabilities.sum(1, keepdims=True)
            loss = -np.log(probabilities[np.arange(len(y)), y]).mean()
            gradient = (probabilities - np.eye(10)[y]) / len(y)
            back = gradient @ w2.T * (hidden > 0)
            w2 -= 0.5 * hidden.T @ gradient
            b2 -= 0.5 * gradient.sum(0)
            w1 -= 0.5 * x.T @ back
            b1 -= 0.5 * back.sum(0)

            run.step(inputs=images[chosen, None], labels=y, indices=chosen, loss=loss)
        print(f"loss {loss:.3f}; {run.location}")


if __name__ == "__main__":
    main()
