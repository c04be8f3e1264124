"""A written run comes back as Python data."""

import shutil
from pathlib import Path

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


def test_tensorboard_s_scalars_beside_a_run(logdir):
    golden = Path(__file__).parents[2] / "testdata" / "tensorboard"
    run = deepeyes.open("stored", logdir)
    assert run.tensorboard() == {}
    shutil.copytree(golden / "torch", logdir / "stored", dirs_exist_ok=True)
    scalars = run.tensorboard()
    assert list(scalars) == ["accuracy", "größe", "loss/train", "both_train:both", "both_validation:both"]
    loss = scalars["loss/train"]
    np.testing.assert_array_equal(loss["step"], np.arange(20))
    np.testing.assert_allclose(loss["value"], 2 / np.arange(1, 21), rtol=1e-6)
    np.testing.assert_array_equal(loss["wall_time"], 1_700_000_000.0 + np.arange(20))
    assert np.isnan(scalars["größe"]["value"][0]) and np.isinf(scalars["größe"]["value"][1:3]).all()
    with open(logdir / "stored" / "events.out.tfevents.1700000000.trainer.1.0", "ab") as file:
        file.write(b"x" * 20)
    with pytest.warns(RuntimeWarning, match=r"trainer\.1\.0: .* at byte 2309"):
        assert len(run.tensorboard()["loss/train"]["step"]) == 20


def test_a_directory_that_is_used_before_the_run_begins(tmp_path):
    (tmp_path / "mine").mkdir()
    with deepeyes.start(tmp_path, name="mine", budget=1.0) as run:
        assert run.directory == str(tmp_path / "mine-2") and run.location is None
        Path(run.directory, "notes.txt").write_text("kept", encoding="utf-8")
        run.observe("scores", np.ones((4, 2), np.float32), output=True)
        run.step(loss=1.0)
        assert run.location == run.directory
    assert Path(run.directory, "notes.txt").exists() and deepeyes.open("mine-2", tmp_path).info()["step"] == 1


def test_a_run_elsewhere_has_no_directory_here(tmp_path, monkeypatch):
    run = deepeyes.start(tmp_path, name="sent", server="http://localhost:1")
    assert run.directory is None
    run.close()
    monkeypatch.setenv("DEEPEYES_MODE", "disabled")
    run = deepeyes.start(tmp_path, name="off")
    assert run.directory is None and list(tmp_path.iterdir()) == []
    run.close()


def test_what_is_not_there(logdir):
    with pytest.raises(deepeyes.Error, match="missing"):
        deepeyes.open("missing", logdir)
    with pytest.raises(deepeyes.Error, match="conv9"):
        deepeyes.open("stored", logdir).instances("conv9")
