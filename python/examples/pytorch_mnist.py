"""LeNet in PyTorch on MNIST."""

import argparse

import torch
from data import mnist
from torch import nn

import deepeyes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--logdir", default="runs")
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--budget", type=float, default=0.015)
    arguments = parser.parse_args()

    torch.manual_seed(0)
    images, labels = (torch.from_numpy(part) for part in mnist())
    model = nn.Sequential(
        nn.Conv2d(1, 20, 5),
        nn.MaxPool2d(2),
        nn.Conv2d(20, 50, 5),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(800, 500),
        nn.ReLU(inplace=True),
        nn.Linear(500, 10),
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=0.0005)

    run = deepeyes.watch(model, logdir=arguments.logdir, name="pytorch", labels=range(10), budget=arguments.budget)
    loss = None
    for _ in range(arguments.steps):
        chosen = torch.randint(len(images), (64,))
        x, y = images[chosen, None], labels[chosen]
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        run.step(inputs=x, labels=y, loss=loss, indices=chosen)
    run.close()
    print(f"loss {loss:.3f}; {run.location}")


if __name__ == "__main__":
    main()
