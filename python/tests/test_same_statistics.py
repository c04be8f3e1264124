"""One network that stands still and one set of images, through the embedded trainer and through PyTorch: the same numbers.

A mini-batch is the whole set, so that its order does not matter. Dense layers are sampled whole. Of a convolution's positions each
side draws half at random, for each input anew in every mini-batch: over a window both see every position, and the shares that
they draw agree as two random samples do.
"""

import struct
import subprocess
import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from sklearn.datasets import load_digits
from torch import nn

import deepeyes

INPUTS, STEPS, WINDOW = 256, 40, 20
NETWORK = """
name = "digits"
[[layer]]
name = "conv1"
conv2d = { filters = 6, kernel = 3, padding = 1 }
[[layer]]
name = "relu1"
relu = {}
[[layer]]
name = "pool1"
max_pool = { kernel = 2, stride = 2 }
[[layer]]
name = "conv2"
conv2d = { filters = 8, kernel = 3 }
[[layer]]
name = "relu2"
relu = {}
[[layer]]
name = "fc1"
dense = { units = 24 }
[[layer]]
name = "relu3"
relu = {}
[[layer]]
name = "fc2"
dense = { units = 10 }
"""


class Digits(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 3, padding=1), nn.Conv2d(6, 8, 3)
        self.fc1, self.fc2 = nn.Linear(32, 24), nn.Linear(24, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.relu(self.conv2(x)).flatten(1)
        return self.fc2(F.relu(self.fc1(x)))


def planted():
    """A network with a dead filter, a dead unit, and two equal units."""
    torch.manual_seed(5)
    model = Digits()
    with torch.no_grad():
        model.conv1.weight.mul_(3)
        model.conv1.weight[2], model.conv1.bias[2] = 0.0, -1.0
        model.fc1.bias.add_(0.1)
        model.fc1.weight[4], model.fc1.bias[4] = 0.0, -1.0
        model.fc1.weight[8], model.fc1.bias[8] = model.fc1.weight[7], model.fc1.bias[7]
    return model


def write_idx(folder, split, images, labels):
    n, height, width = images.shape
    for what, header, values in (
        ("images-idx3", struct.pack(">IIII", 0x803, n, height, width), images),
        ("labels-idx1", struct.pack(">II", 0x801, n), labels),
    ):
        (folder / f"{split}-{what}-ubyte").write_bytes(header + values.astype(np.uint8).tobytes())


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """The layers' numbers as the embedded trainer and as PyTorch has them, and their scalars."""
    folder, logdir = tmp_path_factory.mktemp("digits"), tmp_path_factory.mktemp("runs")
    images, labels = load_digits(return_X_y=True)
    images = (images[: 2 * INPUTS].reshape(-1, 8, 8) * 15).astype(np.uint8)
    write_idx(folder, "train", images[:INPUTS], labels[:INPUTS])
    write_idx(folder, "t10k", images[INPUTS:], labels[INPUTS : 2 * INPUTS])
    model = planted()
    save_file(model.state_dict(), folder / "digits.safetensors")
    (folder / "digits.toml").write_text(NETWORK)

    arguments = f"train {folder}/digits.toml --data idx:{folder} --from {folder}/digits.safetensors --name embedded"
    settings = f"--lr 0 --batch {INPUTS} --iterations {STEPS} --window {WINDOW} --logdir {logdir}"
    command = [sys.executable, "-m", "deepeyes", *arguments.split(), *settings.split()]
    subprocess.run(command, check=True, capture_output=True, text=True)

    x = torch.from_numpy(images[:INPUTS, None].astype(np.float32) / 256)
    y = torch.from_numpy(labels[:INPUTS].astype(np.int64))
    run = deepeyes.watch(model, logdir, name="watched", budget=1.0, window=WINDOW)
    for _ in range(STEPS):
        out = model(x)
        run.step(inputs=x, labels=y, loss=F.cross_entropy(out, y), accuracy=(out.argmax(1) == y).float().mean())
    run.close()
    runs = [deepeyes.open(name, logdir) for name in ("embedded", "watched")]
    return [run.layers() for run in runs], [run.scalars() for run in runs]


def column(layer, name):
    return np.array([detail[name] for detail in layer["filters_detail"]], float)


def test_losses_and_accuracies(both):
    _, (embedded, watched) = both
    np.testing.assert_allclose(embedded["loss"], watched["loss"], rtol=1e-5)
    np.testing.assert_allclose(embedded["train_accuracy"], watched["train_accuracy"], atol=1e-6)


def test_what_the_layers_are(both):
    (embedded, watched), _ = both
    assert list(embedded) == list(watched) == ["conv1", "conv2", "fc1", "fc2"]
    same = ("filters", "grid", "receptive_field", "parameters", "instances_possible", "rectify", "stable")
    for name in embedded:
        for field in same:
            assert embedded[name][field] == watched[name][field], (name, field)


@pytest.mark.parametrize("name", ["fc1", "fc2"])
def test_dense_layers_agree_in_every_number(both, name):
    embedded, watched = (layers[name] for layers in both[0])
    for count in ("instances", "silent", "invalid", "redundant_groups"):
        assert embedded[count] == watched[count], count
    for number in ("max", "sum", "specificity"):
        np.testing.assert_allclose(column(embedded, number), column(watched, number), rtol=1e-4, err_msg=number)
    # Sketches hold values within 1 %: an activation at the threshold may fall on either side.
    np.testing.assert_allclose(column(embedded, "frequency"), column(watched, "frequency"), atol=0.01)
    for word in ("state", "label"):
        assert [one[word] for one in embedded["filters_detail"]] == [one[word] for one in watched["filters_detail"]]
    one, other = embedded["perplexity"], watched["perplexity"]
    np.testing.assert_allclose(one["edges"], other["edges"])
    assert one["mean"] == pytest.approx(other["mean"], rel=1e-5)
    # Rounding may carry an instance over a bin's edge.
    assert np.abs(np.subtract(one["counts"], other["counts"])).sum() <= 0.01 * sum(other["counts"])
    assert embedded["effective_filters"] == pytest.approx(watched["effective_filters"], rel=1e-4)


@pytest.mark.parametrize("name", ["conv1", "conv2"])
def test_convolutions_agree_as_samples_of_the_same_do(both, name):
    embedded, watched = (layers[name] for layers in both[0])
    assert embedded["instances_sampled"] == watched["instances_sampled"]
    # The largest is seen by both.
    np.testing.assert_allclose(column(embedded, "max"), column(watched, "max"), rtol=1e-4)
    assert [one["state"] for one in embedded["filters_detail"]] == [one["state"] for one in watched["filters_detail"]]
    n = embedded["instances_sampled"]
    # Four standard deviations of the difference of two shares, drawn without replacement within an input.
    np.testing.assert_allclose(
        column(embedded, "frequency"), column(watched, "frequency"), atol=4 * np.sqrt(0.5 / n) + 0.01
    )
    # Of a filter that hardly ever fires, few instances are drawn.
    sums = column(watched, "sum")
    np.testing.assert_allclose(column(embedded, "sum"), sums, rtol=0.03, atol=0.001 * sums.max())
    assert embedded["perplexity"]["mean"] == pytest.approx(watched["perplexity"]["mean"], rel=0.01)
    counts = np.array([embedded["perplexity"]["counts"], watched["perplexity"]["counts"]], float)
    shares = counts / counts.sum(1, keepdims=True)
    assert np.abs(shares[0] - shares[1]).sum() / 2 < 0.02
