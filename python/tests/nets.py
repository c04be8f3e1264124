"""Small networks that the PyTorch tests train, and how they train them."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

import deepeyes


class Residual(nn.Module):
    """A residual block, batch norm, an in-place ReLU that is used twice, dropout, a functional ReLU."""

    def __init__(self, width=8):
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 5, stride=2, padding=2)
        self.bn1, self.act = nn.BatchNorm2d(width), nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        self.drop, self.fc1, self.fc2 = nn.Dropout(0.3), nn.Linear(width * 4, 12), nn.Linear(12, 6)

    def forward(self, x):
        x = self.act(self.bn1(self.conv1(x)))
        x = self.act(x + self.conv2(x))
        x = F.adaptive_avg_pool2d(x, 2).flatten(1)
        return self.fc2(self.drop(F.relu(self.fc1(x))))


def batches(steps, seed=0, shape=(3, 16, 16), inputs=8, classes=6):
    """Mini-batches of noise with labels."""
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        labels = torch.randint(0, classes, (inputs,), generator=generator)
        yield torch.randn(inputs, *shape, generator=generator), labels


def train(model, steps=6, watched=True, forward=None, **options) -> tuple[Any, torch.Tensor]:
    """Trains by SGD, watched in full or not at all; gives the closed run, and the next random number."""
    torch.manual_seed(1)
    run = deepeyes.watch(model, name="net", **{"budget": 1.0, **options}) if watched else None
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for x, y in batches(steps):
        out = (forward or model)(x)
        loss = F.cross_entropy(out.float(), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if run is not None:
            run.step(inputs=x, labels=y, loss=loss)
    if run is not None:
        run.close()
    return run, torch.rand(3)


def same(a, b):
    """Whether two models hold the very same numbers."""
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))
