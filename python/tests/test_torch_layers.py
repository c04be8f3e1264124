"""Which layers are found, and where their activations are taken: compared with what the same network computes by hand."""

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from fake import FakeRecorder
from torch import nn
from torch.nn.utils import parametrizations, prune

import deepeyes
from deepeyes import _native

torch.set_num_threads(2)


@pytest.fixture(autouse=True)
def recorder(monkeypatch):
    monkeypatch.setattr(_native, "Recorder", FakeRecorder)


def watched(model, x, labels=None, steps=1, **options):
    """Watches forwards of `x`; gives the layers' descriptions and the last step's rows, by name."""
    run = deepeyes.watch(model, budget=1.0, **options)
    for _ in range(steps):
        model(x)
        run.step(inputs=x, labels=labels)
    run.close()
    fake = FakeRecorder.last
    return {layer["name"]: layer for layer in fake.description["layers"]}, fake.batches[-1]["layers"]


def agree(rows, expected):
    """Whether sampled rows are those of `expected` `[n, positions, F]`; at least half of the positions are there."""
    values, places, positions = rows
    expected = expected.detach().double().numpy()
    np.testing.assert_allclose(values, expected[places.astype(int), positions.astype(int)], rtol=1e-5, atol=1e-6)
    drawn = {(int(place), int(position)) for place, position in zip(places, positions, strict=True)}
    assert len(drawn) == len(places) == expected.shape[0] * -(-expected.shape[1] // 2)
    assert list(places) == sorted(places)


def maps(x):
    """`[n, positions, F]` of `[n, F, ...]`."""
    return x.flatten(2).transpose(1, 2)


class Follows(nn.Module):
    """A convolution, and what a function makes of its output."""

    def __init__(self, after, layer=None):
        super().__init__()
        self.layer = layer or nn.Conv2d(2, 4, 3)
        self.norm, self.after = nn.BatchNorm2d(4, affine=False, track_running_stats=False), after

    def forward(self, x):
        return self.after(self, self.layer(x), x)


def seen(module, values):
    """Keeps what is expected."""
    module.expected = values
    return values


AFTER = {
    "nothing": lambda m, y, x: seen(m, y),
    "relu": lambda m, y, x: seen(m, F.relu(y)) + 1,
    "relu in place": lambda m, y, x: seen(m, y.relu_()).exp(),
    "gelu": lambda m, y, x: seen(m, F.gelu(y)).mean((2, 3)),
    "tanh method": lambda m, y, x: seen(m, y.tanh()).mean((2, 3)),
    "batch norm, silu": lambda m, y, x: F.max_pool2d(seen(m, F.silu(m.norm(y))), 2),
    "batch norm": lambda m, y, x: F.max_pool2d(seen(m, m.norm(y)), 2),
    "addition, relu": lambda m, y, x: seen(m, F.relu(m.norm(y) + x[:, :1, 1:-1, 1:-1])),
    "addition in place": lambda m, y, x: seen(m, y.add_(x[:, :1, 1:-1, 1:-1])).flatten(1),
    "dropout, relu": lambda m, y, x: seen(m, F.dropout(y, 0.5).relu()),
    "pooling, then relu": lambda m, y, x: F.relu(F.max_pool2d(seen(m, y), 2)),
    "overwritten later": lambda m, y, x: seen(m, y.clone()).sum() + y.mul_(0).sum(),
    "shape, then relu": lambda m, y, x: seen(m, F.relu(y if y.shape[0] == y.size(0) else x)),
    "reshaped, then relu": lambda m, y, x: seen(m, F.relu(y.view(5, -1)).view(y.shape)),
    "a softmax is none": lambda m, y, x: F.softmax(seen(m, y), 1),
    "norm of a group": lambda m, y, x: seen(m, F.leaky_relu(F.group_norm(y, 2))),
    "broadcast addition": lambda m, y, x: seen(m, y) + torch.zeros(2, 5, 4, 6, 6),
}


@pytest.mark.parametrize("after", AFTER)
def test_activations_are_taken_after_what_belongs_to_the_layer(after):
    torch.manual_seed(0)
    model = Follows(AFTER[after])
    layers, rows = watched(model, torch.rand(5, 2, 8, 8))
    assert layers["layer"]["grid"] == [6, 6] and layers["layer"]["kind"] == "conv2d"
    agree(rows["layer"], maps(model.expected))


CONVOLUTIONS = {
    "conv1d": (nn.Conv1d(2, 4, 3), (5, 2, 9), [1, 7]),
    "conv2d": (nn.Conv2d(2, 4, (3, 1), stride=2, groups=2), (5, 2, 9, 4), [4, 2]),
    "conv3d": (nn.Conv3d(2, 4, 3), (5, 2, 4, 5, 6), [6, 4]),
    "conv_transpose1d": (nn.ConvTranspose1d(2, 4, 3), (5, 2, 9), [1, 11]),
    "conv_transpose2d": (nn.ConvTranspose2d(2, 4, 3, stride=2), (5, 2, 4, 4), [9, 9]),
    "conv_transpose3d": (nn.ConvTranspose3d(2, 4, 2), (5, 2, 2, 2, 2), [9, 3]),
    "same": (nn.Conv2d(2, 4, 3, padding="same", padding_mode="reflect"), (5, 2, 6, 6), [6, 6]),
    "weight norm": (parametrizations.weight_norm(nn.Conv2d(2, 4, 3)), (5, 2, 6, 6), [4, 4]),
    "old weight norm": (nn.utils.weight_norm(nn.Conv2d(2, 4, 3, bias=False)), (5, 2, 6, 6), [4, 4]),
    "pruned": (prune.random_unstructured(nn.Conv2d(2, 4, 3), "weight", 0.5), (5, 2, 6, 6), [4, 4]),
    "lazy": (nn.LazyConv2d(4, 3), (5, 2, 6, 6), [4, 4]),
}


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_every_convolution_is_watched(name):
    layer, shape, grid = CONVOLUTIONS[name]
    model = Follows(lambda m, y, x: seen(m, y.relu()), layer)
    layers, rows = watched(model, torch.rand(shape))
    assert list(layers) == ["layer"] and layers["layer"]["grid"] == grid and layers["layer"]["filters"] == 4
    agree(rows["layer"], maps(model.expected))


@pytest.mark.parametrize(
    ("shape", "grid"), [((5, 3), [1, 1]), ((5, 4, 3), [1, 4]), ((5, 2, 4, 3), [2, 4]), ((5, 2, 2, 4, 3), [4, 4])]
)
def test_dense_layers_have_a_position_for_each_token(shape, grid):
    model: Any = Follows(lambda m, y, x: seen(m, F.gelu(y)), nn.Linear(3, 4))
    layers, rows = watched(model, torch.rand(shape))
    assert layers["layer"]["grid"] == grid and layers["layer"]["kind"] == "dense"
    agree(rows["layer"], model.expected.reshape(5, -1, 4))


def test_windows_along_the_first_axis_are_positions():
    class Windows(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(3, 4)

        def forward(self, x):
            return self.layer(x.view(10, 8, 3))

    model: Any = Windows()
    layers, rows = watched(model, x := torch.rand(5, 16, 3))
    assert layers["layer"]["grid"] == [2, 8]
    agree(rows["layer"], model.layer(x.view(5, 16, 3)))


def test_sequences_may_come_first():
    model: Any = nn.Sequential(nn.Embedding(20, 6), nn.TransformerEncoderLayer(6, 2, 12, dropout=0.0))
    tokens, labels = torch.randint(0, 20, (7, 5)), torch.zeros(5, dtype=torch.long)
    layers, rows = watched(model, tokens, labels, steps=2)
    assert {name: layer["kind"] for name, layer in layers.items()} == {
        "1.self_attn": "attention",
        "1.linear1": "dense",
        "1.linear2": "dense",
    }
    assert layers["1.linear1"]["grid"] == [1, 7]
    block = model[1]
    x = model[0](tokens)
    x = block.norm1(x + block.self_attn(x, x, x)[0])
    agree(rows["1.linear1"], F.relu(block.linear1(x)).transpose(0, 1))


def test_a_norm_of_tokens_belongs_to_a_layer_only_before_a_nonlinearity():
    model: Any = nn.Sequential(
        nn.Linear(3, 4), nn.LayerNorm(4), nn.Linear(4, 5), nn.LayerNorm(5), nn.GELU(), nn.Linear(5, 2)
    )
    x = torch.rand(6, 3)
    _, rows = watched(model, x)
    agree(rows["0"], model[0](x)[:, None])
    agree(rows["2"], model[:5](x)[:, None])


def test_tied_and_reused_weights_count_once():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)
            self.second.weight = self.first.weight
            self.last = nn.Linear(4, 3)

        def forward(self, x):
            return self.last(self.first(self.second(self.first(x).relu()).relu()))

    model = Tied()
    layers, rows = watched(model, x := torch.rand(6, 4))
    assert list(layers) == ["first", "last"]
    agree(rows["first"], model.first(x).relu()[:, None])


def test_layers_that_are_replaced_are_still_found():
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 3))
    run = deepeyes.watch(model, budget=1.0)
    for replaced in (False, True):
        if replaced:
            model[2] = nn.Linear(4, 3)
            model.load_state_dict(model.state_dict(), assign=True)
        x = torch.rand(6, 4)
        model(x)
        run.step(inputs=x)
    run.close()
    assert all(list(batch["layers"]) == ["0", "2"] for batch in FakeRecorder.last.batches)


def test_functional_weights_are_named_by_their_owner():
    class Functional(nn.Module):
        def __init__(self):
            super().__init__()
            self.kernel = nn.Parameter(torch.rand(4, 2, 3, 3))
            self.block: Any = nn.Module()
            self.block.weight = nn.Parameter(torch.rand(3, 4))
            self.out = nn.Parameter(torch.rand(3, 2))

        def forward(self, x):
            x = F.conv2d(x, self.kernel).relu().mean((2, 3))
            return F.linear(x, self.block.weight).relu() @ self.out

    layers, _ = watched(Functional(), torch.rand(5, 2, 6, 6))
    assert {name: layer["filters"] for name, layer in layers.items()} == {"kernel": 4, "block": 3, "out": 2}
    assert layers["kernel"]["parameters"] == 72


def test_activation_modules_of_others_are_nonlinearities():
    class NewGELUActivation(nn.Module):
        def forward(self, x):
            return 0.5 * x * (1 + torch.tanh(0.8 * (x + 0.04 * x**3)))

    model: Any = nn.Sequential(nn.Linear(3, 4), NewGELUActivation(), nn.Linear(4, 2))
    x = torch.rand(6, 3)
    _, rows = watched(model, x)
    agree(rows["0"], model[1](model[0](x))[:, None])
    assert not model[1]._forward_hooks


def test_a_classifiers_output_is_a_softmax_and_gives_predictions():
    model: Any = nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 3), nn.LogSoftmax(1))
    x, labels = torch.rand(6, 1, 4, 4), torch.tensor([0, 1, 2, 0, 1, -1])
    layers, _ = watched(model, x, labels)
    assert [layer["output"] for layer in layers.values()] == [False, True]
    assert [layer["rectify"] for layer in layers.values()] == ["relu", "softmax"]
    batch = FakeRecorder.last.batches[0]
    assert batch["predictions"].tolist() == model(x).argmax(1).tolist()
    assert batch["accuracy"] == pytest.approx((model(x).argmax(1)[:5] == labels[:5]).float().mean().item())
    model = nn.Linear(16, 3)
    layers, _ = watched(model, torch.rand(6, 16), torch.rand(6))
    assert layers["linear"]["output"] and layers["linear"]["rectify"] == "relu"


@pytest.mark.parametrize(
    "give", [lambda y: {"logits": y}, lambda y: (y, 1), lambda y: type("Out", (), {"logits": y})()]
)
def test_outputs_may_be_mappings_tuples_or_objects(give):
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(4, 3)

        def forward(self, *, values):
            return give(self.fc(values))

    model, x = Model(), torch.rand(6, 4)
    run = deepeyes.watch(model, budget=1.0)
    model(values=x)
    run.step(labels=torch.zeros(6, dtype=torch.long))
    run.close()
    batch = FakeRecorder.last.batches[0]
    assert batch["predictions"].tolist() == model.fc(x).argmax(1).tolist() and len(batch["inputs"]) == 6


@pytest.mark.parametrize("wanted", [["1"], "1", lambda m: [m[1]], ["[13]", "3"]])
def test_layers_can_be_chosen(wanted):
    model: Any = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 3))
    layers, _ = watched(model, torch.rand(6, 4), layers=wanted(model) if callable(wanted) else wanted)
    assert list(layers) == (["1", "3"] if wanted == ["[13]", "3"] else ["1"])


def test_images_are_shown_without_their_normalisation():
    mean, std = [0.5, 0.4, 0.3], [0.2, 0.3, 0.4]
    pixels = torch.randint(0, 256, (5, 3, 8, 8), dtype=torch.uint8)
    x = (pixels / 255 - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)
    shown = pixels.permute(0, 2, 3, 1).numpy()
    watched(nn.Sequential(nn.Conv2d(3, 2, 3)), x, mean=mean, std=std)
    assert np.array_equal(FakeRecorder.last.batches[0]["images"], shown)
    assert FakeRecorder.last.description["input"] == [3, 8, 8]
    watched(nn.Sequential(nn.Conv2d(3, 2, 3)), pixels / 255)
    assert np.array_equal(FakeRecorder.last.batches[0]["images"], shown)


def test_inputs_are_known_by_their_index_or_their_values():
    model = nn.Linear(4, 3)
    run = deepeyes.watch(model, budget=1.0)
    x = torch.rand(6, 4)
    for indices in (torch.arange(6) + 10, None, None):
        model(x)
        run.step(inputs=x, indices=indices)
    model(x + 1)
    run.step(inputs=x + 1)
    first, second, third, fourth = (batch["inputs"].tolist() for batch in FakeRecorder.last.batches)
    assert first == list(range(10, 16)) and second == third and not set(second) & set(fourth)
    run.close()


def test_grids_may_vary():
    model: Any = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1))
    run = deepeyes.watch(model, budget=1.0)
    for side in (8, 16, 4):
        x = torch.rand(5, 1, side, side)
        model(x)
        run.step(inputs=x)
    run.close()
    for batch in FakeRecorder.last.batches:
        assert batch["layers"]["0"][2].max() < 64


def test_tokens_of_an_image_show_their_patch():
    class Tokens(nn.Module):
        def __init__(self):
            super().__init__()
            self.patch, self.block = (
                nn.Conv2d(3, 8, 4, stride=4),
                nn.TransformerEncoderLayer(8, 2, 16, batch_first=True),
            )
            self.head, self.token = nn.Linear(8, 3), nn.Parameter(torch.zeros(1, 1, 8))

        def forward(self, x):
            x = self.patch(x).flatten(2).transpose(1, 2)
            return self.head(self.block(torch.cat([self.token.expand(len(x), -1, -1), x], 1))[:, 0])

    layers, rows = watched(Tokens(), torch.rand(6, 3, 8, 12), torch.zeros(6, dtype=torch.long))
    patch = {"size": [4, 4], "stride": [4, 4], "offset": [0, 0]}
    for name in ("patch", "block.self_attn", "block.linear1", "block.linear2"):
        assert layers[name]["grid"] == [2, 3] and layers[name]["receptive_field"] == patch, name
        assert rows[name][2].max() < 6
    assert layers["head"]["receptive_field"] == {"size": [8, 12], "stride": [1, 1], "offset": [0, 0]}


def test_instances_hold_what_the_layers_read():
    torch.manual_seed(0)
    model: Any = nn.Sequential(nn.Conv2d(2, 4, 3, stride=2, padding=1), nn.Flatten(), nn.Linear(64, 3))
    run = deepeyes.watch(model, budget=1.0)
    x = torch.rand(200, 2, 8, 8)
    # The first step is not read yet; inputs that come twice are taken once.
    for first in (0, 0, 0, 200):
        model(x)
        run.step(inputs=x, labels=torch.zeros(200, dtype=torch.long), indices=range(first, first + 200))
    run.close()
    _, inputs, labels, predictions, _, layers = FakeRecorder.last.instance_events[0]
    assert len(inputs) == len(labels) == len(predictions) == 600
    places, positions, activations, fields = layers[0]
    assert len(places) == 1200 and fields.shape == (1200, 18) and places.max() == 599
    origins = set(zip(inputs[places].tolist(), positions.tolist(), strict=True))
    assert len(origins) == 1200
    weight = model[0].weight.detach().permute(2, 3, 1, 0).reshape(18, 4).numpy()
    np.testing.assert_allclose(fields @ weight + model[0].bias.detach().numpy(), activations, atol=1e-5)
    np.testing.assert_allclose(layers[1][3], model[:2](x).detach().numpy()[layers[1][0] % 200], atol=1e-5)
    assert layers[1][1].max() == 0 and positions.max() == 15


def test_a_probe_is_of_the_same_inputs_and_positions_over_the_run():
    model: Any = nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.Dropout(), nn.Flatten(), nn.Linear(144, 3))
    held, classes = torch.rand(100, 2, 8, 8), torch.arange(100) % 3
    run = deepeyes.watch(model, budget=1.0, window=1, probe=(held, classes))
    x = torch.rand(6, 2, 8, 8)
    for _ in range(7):
        model(x)
        run.step(inputs=x)
        vars(run)["_probe"]._next = 0.0
    run.close()
    fake = FakeRecorder.last
    assert [event[0] for event in fake.probes] == [1, 6]
    _, labels, held_out, features = fake.probes[0]
    assert labels.tolist() == classes.tolist() and held_out.tolist() == [False, True] * 50
    output = model[:2](held).detach()
    np.testing.assert_allclose(features[0], F.adaptive_avg_pool2d(output, 4).flatten(1), atol=1e-6)
    np.testing.assert_allclose(features[1], model[4](output.flatten(1)).detach(), atol=1e-5)
    first, second = (event for event in fake.instance_events)
    assert np.array_equal(first[1], second[1]) and len(first[1]) == 100 and first[3].tolist() != [0] * 100
    for one, other in zip(first[5], second[5], strict=True):
        for a, b in zip(one, other, strict=True):
            assert np.array_equal(a, b)


@pytest.mark.parametrize("probe", [42, (1, 2), (torch.rand(3, 4), None), (torch.rand(3, 4), torch.zeros(2))])
def test_an_unusable_probe_is_one_warning(probe):
    with pytest.warns(RuntimeWarning, match="stopped watching"):
        deepeyes.watch(nn.Linear(4, 3), probe=probe).close()


def test_a_probe_that_fails_is_left_out():
    model = nn.Linear(4, 3)
    run = deepeyes.watch(model, budget=1.0, probe=(torch.rand(5, 7), torch.zeros(5, dtype=torch.long)))
    model(x := torch.rand(6, 4))
    with pytest.warns(RuntimeWarning, match="leaves the probe out"):
        run.step(inputs=x)
    model(x)
    run.step(inputs=x)
    run.close()
    assert len(FakeRecorder.last.batches) == 2
