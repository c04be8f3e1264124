"""A written run comes back as Python data."""

import numpy as np
import pytest

import deepeyes


@pytest.fixture(scope="module")
def logdir(tmp_path_factory):
    """A run of two layers: filter 0 of `conv` is dead, the classes are told apart by `out`."""
    folder = tmp_path_factory.mktemp("runs")
    random = np.random.default_rng(0)
    with deepeyes.start(folder, name="stored", labels=["a", "b"], budget=1.0) as run:
        for step in range(40):
            images = random.random((64, 1, 6, 6), np.float32)
            labels = (images.mean((1, 2, 3)) > 0.5).astype(int)
            conv = np.concatenate([-images, images * 2, images[..., ::-1]], 1)
            run.observe("conv", conv, receptive_field=((1, 1), (1, 1), (0, 0)), parameters=6)
            run.observe("out", np.eye(2)[labels] * 4, output=True)
            run.step(inputs=images, labels=labels, indices=np.arange(64) + 64 * step, loss=1 / (step + 1))
        run.validate(accuracy=0.75)
    return folder


def test_what_a_run_says_of_itself(logdir):
    run = deepeyes.open("stored", logdir)
    info, scalars = run.info(), run.scalars()
    assert (info["status"], info["step"], info["classes"]) == ("finished", 40, ["a", "b"])
    np.testing.assert_array_equal(scalars["step"], np.arange(1, 41))
    np.testing.assert_allclose(scalars["loss"], 1 / np.arange(1, 41), rtol=1e-6)
    assert scalars["accuracy"][-1] == 0.75 and np.isnan(scalars["accuracy"][0])


def test_layers_and_findings(logdir):
    run = deepeyes.open(logdir / "stored")
    layers = run.layers()
    assert list(layers) == ["conv", "out"] and layers["conv"]["filters_detail"][0]["state"] == "dead"
    assert ("dead", "conv", [0]) in [(f["kind"], f["layer"], f.get("filters")) for f in run.findings()]


def test_instances(logdir):
    instances = deepeyes.open("stored", logdir).instances("conv")
    n = len(instances["labels"])
    assert n > 0 and instances["activations"].shape == (n, 3) and instances["activations"].dtype == np.float32
    assert instances["positions"].shape == (n, 2) and instances["rects"].shape == (n, 4)
    np.testing.assert_array_equal(instances["rects"][:, :2], instances["positions"])
    pixels = instances["patches"].reshape(n) / 255
    np.testing.assert_allclose(instances["activations"][:, 1], pixels * 2, atol=0.005)


def test_instances_as_a_data_frame(logdir):
    frame = deepeyes.open("stored", logdir).instances("out").to_pandas()
    assert list(frame.columns[:6]) == ["input", "label", "prediction", "step", "row", "column"]
    assert (frame["activation_1"] == frame["label"] * 4).all() and (frame["prediction"] == frame["label"]).all()


def test_what_is_not_there(logdir):
    with pytest.raises(deepeyes.Error, match="missing"):
        deepeyes.open("missing", logdir)
    with pytest.raises(deepeyes.Error, match="conv9"):
        deepeyes.open("stored", logdir).instances("conv9")
