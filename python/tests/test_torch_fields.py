"""Receptive fields that are probed, against their closed forms."""

import math

import pytest
import torch
import torch.nn.functional as F
from nets import Residual
from torch import nn

from deepeyes._session import ReceptiveField
from deepeyes.torch._fields import receptive_fields
from deepeyes.torch._layers import find

torch.set_num_threads(2)


def probed(model, shape):
    """Fields by layer name."""
    layers = find(model)
    names = list(dict.fromkeys(owner.name for owner in layers.owners.values()))
    names = [name for name in names if "norm" not in name and "bn" not in name]
    return receptive_fields(model, (torch.rand(shape),), {}, layers, names)


def square(size, stride, offset):
    return ReceptiveField((size, size), (stride, stride), (offset, offset))


def test_lenet():
    model = nn.Sequential(
        *(nn.Conv2d(1, 20, 5), nn.MaxPool2d(2), nn.Conv2d(20, 50, 5), nn.MaxPool2d(2), nn.Flatten()),
        *(nn.Linear(800, 500), nn.ReLU(), nn.Linear(500, 10)),
    )
    whole = square(28, 1, 0)
    assert probed(model, (4, 1, 28, 28)) == {"0": square(5, 1, 0), "2": square(14, 2, 0), "5": whole, "7": whole}


def test_residual_blocks_see_through_both_branches():
    found = probed(Residual(), (4, 3, 16, 16))
    assert found["conv1"] == square(5, 2, -2) and found["conv2"] == square(9, 2, -4)
    assert found["fc1"] == found["fc2"] == square(16, 1, 0)


def chain(*steps):
    """The closed form of convolutions and poolings in a row: size, stride and offset of (kernel, stride, padding,
    dilation)."""
    size, stride, offset = 1, 1, 0
    for kernel, by, padding, dilation in steps:
        size += (kernel - 1) * dilation * stride
        offset -= padding * stride
        stride *= by
    return square(size, stride, offset)


@pytest.mark.parametrize("side", [16, 33, 64])
@pytest.mark.parametrize(
    "steps",
    [
        [(3, 1, 1, 1)],
        [(3, 1, 2, 2), (3, 1, 4, 4), (3, 2, 1, 1)],
        [(7, 2, 3, 1), (3, 2, 1, 1), (3, 1, 1, 1), (3, 2, 1, 1)],
        [(4, 4, 0, 1), (3, 1, 1, 1)],
        [(2, 1, 0, 3), (5, 3, 1, 1)],
        [(3, 1, 1, 1)] * 12,
    ],
)
def test_chains_agree_with_their_closed_form(steps, side):
    channels = [2, 3, 4] * len(steps)
    model = nn.Sequential(
        *(nn.Conv2d(channels[at], channels[at + 1], k, s, p, d) for at, (k, s, p, d) in enumerate(steps))
    )
    found = probed(model, (2, 2, side, side))
    for at in range(len(steps)):
        assert found[str(at)] == chain(*steps[: at + 1])


@pytest.mark.parametrize(
    "pool", [nn.MaxPool2d(3, 2, 1), nn.AvgPool2d(3, 2, 1), nn.MaxPool2d(3, 2, 1, return_indices=True)]
)
def test_poolings(pool):
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.pool, self.b = nn.Conv2d(1, 2, 3), pool, nn.Conv2d(2, 2, 3)

        def forward(self, x):
            x = self.pool(F.relu_(self.a(x)))
            return self.b(x[0] if isinstance(x, tuple) else x)

    assert probed(Model(), (2, 1, 40, 40))["b"] == chain((3, 1, 0, 1), (3, 2, 1, 1), (3, 1, 0, 1))


def test_branches_that_are_joined():
    class Inception(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem, self.one, self.five = (
                nn.Conv2d(3, 8, 3, padding=1),
                nn.Conv2d(8, 4, 1),
                nn.Conv2d(8, 4, 5, padding=2),
            )
            self.after = nn.Conv2d(16, 4, 3, stride=2, padding=1)

        def forward(self, x):
            x = F.relu(self.stem(x))
            return self.after(torch.cat([F.relu(self.one(x)), F.relu(self.five(x)), F.max_pool2d(x, 3, 1, 1)], 1))

    found = probed(Inception(), (2, 3, 32, 32))
    assert found["one"] == square(3, 1, -1) and found["five"] == square(7, 1, -3) and found["after"] == square(9, 2, -4)


def test_transposed_convolutions():
    model = nn.Sequential(
        nn.ConvTranspose2d(1, 4, 3, padding=1), nn.ReLU(True), nn.ConvTranspose2d(4, 4, 4, stride=2, padding=1)
    )
    found = probed(model, (2, 1, 16, 16))
    # Half a pixel on for each position is no grid of whole pixels.
    assert found == {"0": square(3, 1, -1), "2": square(16, 1, 0)}


def test_a_gate_does_not_widen_fields_and_zero_scales_do_not_hide_them():
    class Gated(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.gate, self.b = nn.Conv2d(1, 4, 3), nn.Linear(4, 4), nn.Conv2d(4, 4, 3)
            self.scale = nn.Parameter(torch.zeros(4, 1, 1))

        def forward(self, x):
            x = self.a(x)
            x = x * torch.sigmoid(self.gate(x.mean((2, 3))))[..., None, None]
            return self.b(x * self.scale - x)

    found = probed(Gated(), (2, 1, 24, 24))
    assert found["b"] == square(5, 1, 0) and found["gate"] == square(24, 1, 0)


def test_other_shapes():
    assert probed(nn.Sequential(nn.Conv2d(1, 2, (3, 5), (1, 2))), (2, 1, 9, 20)) == {
        "0": ReceptiveField((3, 5), (1, 2), (0, 0))
    }
    signals = probed(nn.Sequential(nn.Conv1d(2, 4, 5, stride=2), nn.ReLU(), nn.Conv1d(4, 4, 3)), (2, 2, 50))
    assert signals["2"] == ReceptiveField((1, 9), (1, 2), (0, 0))
    assert probed(nn.Sequential(nn.Linear(4, 3)), (2, 4)) == {}


def test_layers_after_pooling_all_see_all():
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.AdaptiveAvgPool2d(1), nn.Conv2d(2, 2, 1), nn.Flatten(), nn.Linear(2, 2)
    )
    found = probed(model, (2, 1, 12, 12))
    assert found["2"] == found["4"] == square(12, 1, 0)


def test_attention_sees_all():
    class Tokens(nn.Module):
        def __init__(self):
            super().__init__()
            self.patch, self.qkv = nn.Conv2d(1, 8, 4, 4), nn.Linear(8, 24)
            self.project = nn.Conv2d(8, 4, 1)

        def forward(self, x):
            x = self.patch(x)
            height = x.shape[2]
            q, k, v = self.qkv(F.layer_norm(x.flatten(2).transpose(1, 2), (8,))).chunk(3, -1)
            x = F.softmax(q @ k.transpose(1, 2) / math.sqrt(8), -1) @ v
            return self.project(x.transpose(1, 2).unflatten(2, (height, -1)))

    found = probed(Tokens(), (2, 1, 16, 16))
    assert found["patch"] == square(4, 4, 0) and found["project"] == square(16, 1, 0)


def test_probing_leaves_gradients_and_batch_norm_alone():
    model = Residual()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    probed(model, (4, 3, 16, 16))
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters()) and model.training
