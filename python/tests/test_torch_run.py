"""Watching PyTorch through the real engine: planted truths are found, and the numbers are those of the activations."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from nets import Residual, batches

import deepeyes
from deepeyes import _native

torch.set_num_threads(2)
STEPS, INPUTS, WINDOW = 40, 64, 20


@pytest.fixture(scope="module")
def planted(tmp_path_factory) -> Any:
    """A run of a network that stands still, with dead, constant and equal filters; and what its `fc1` gives."""
    torch.manual_seed(3)
    model = Residual()
    with torch.no_grad():
        model.bn1.weight[3], model.bn1.bias[3] = 0.0, -5.0
        model.bn1.weight[5], model.bn1.bias[5] = 1e-4, 4.0
        model.fc1.bias.add_(0.5)
        model.fc1.weight[4], model.fc1.bias[4] = 0.0, -1.0
        model.fc1.weight[8], model.fc1.bias[8] = model.fc1.weight[7], model.fc1.bias[7]
    given = []
    model.drop.register_forward_pre_hook(lambda _module, args: given.append(args[0].detach().numpy().copy()))
    logdir = tmp_path_factory.mktemp("runs")
    run = deepeyes.watch(model, logdir=logdir, name="planted", labels=list("abcdef"), budget=1.0, window=WINDOW)
    for x, y in batches(STEPS, inputs=INPUTS):
        loss = F.cross_entropy(model(x), y)
        run.step(inputs=x, labels=y, loss=loss)
    run.validate(accuracy=0.25, loss=1.5)
    findings, location = run.findings(), run.location
    run.close()
    return json.loads(_native.inspect("planted", str(logdir))), given, findings, location, run


def layer(report, name):
    return next(layer for layer in report["layers"] if layer["name"] == name)


def test_planted_truths_are_found(planted):
    report, _, _, location, _ = planted
    assert Path(location).is_dir() and report["run"]["status"] == "finished" and report["run"]["step"] == STEPS
    states = {detail["filter"]: detail["state"] for detail in layer(report, "conv1")["filters_detail"]}
    assert states[3] == "dead" and states[5] == "always_on"
    fc1 = layer(report, "fc1")
    assert {detail["filter"]: detail["state"] for detail in fc1["filters_detail"]}[4] == "dead"
    assert any({7, 8} <= set(group) for group in fc1["redundant_groups"])
    assert report["scalars"]["accuracy"][-1] == 0.25


def test_numbers_are_those_of_the_activations(planted):
    report, given, _, _, _ = planted
    fc1 = layer(report, "fc1")
    activations = np.concatenate(given[STEPS - WINDOW :]).astype(np.float64)
    assert fc1["instances"] == fc1["instances_sampled"] == len(activations) == WINDOW * INPUTS
    detail = fc1["filters_detail"]
    np.testing.assert_allclose([one["max"] for one in detail], activations.max(0), rtol=0.01)
    np.testing.assert_allclose([one["sum"] for one in detail], activations.sum(0), rtol=1e-4)
    p = activations / activations.sum(1, keepdims=True)
    perplexity = np.exp(-np.sum(p * np.log(np.where(p > 0, p, 1)), 1))
    assert fc1["perplexity"]["mean"] == pytest.approx(perplexity.mean(), rel=1e-3)
    assert layer(report, "conv1")["instances_sampled"] == WINDOW * INPUTS * 32


def test_findings_and_instances_come_back(planted):
    _, _, findings, _, run = planted
    assert any(finding["kind"] == "dead" and finding["layer"] == "conv1" for finding in findings)
    instances = run.instances("conv1")
    assert instances["activations"].shape[1] == 8 and len(instances["labels"]) == len(instances["activations"])
    assert instances["patches"].shape[1:] == (5, 5, 3)


def test_processes_that_train_together_write_one_run(tmp_path):
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    here = Path(__file__).parent
    paths = os.pathsep.join([str(here.parent), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    for kind in ("watched", "plain", "watched"):
        arguments = [*command, str(here / "ddp_worker.py"), str(tmp_path), kind]
        done = subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=240)
        assert done.returncode == 0, done.stderr
    for rank in (0, 1):
        watched, plain = (torch.load(tmp_path / f"{kind}-{rank}.pt") for kind in ("watched", "plain"))
        assert all(torch.equal(watched[key], plain[key]) for key in plain)
    # The same training again is another run, of both.
    for name in ("ddp", "ddp-2"):
        report = json.loads(_native.inspect(name, str(tmp_path / "runs")))
        assert report["run"]["status"] == "finished" and report["run"]["step"] == 20
        assert [layer["name"] for layer in report["layers"]] == ["0", "3"]
        # Both ranks' inputs.
        assert layer(report, "3")["instances"] == 2 * 20 * 8


FORGOTTEN = """
import sys
import torch
from nets import Residual, batches
import deepeyes
model = Residual()
run = deepeyes.watch(model, logdir=sys.argv[1], name="forgotten", budget=1.0)
for x, y in batches(3):
    model(x)
    run.step(inputs=x, labels=y)
if sys.argv[2] == "fails":
    raise SystemError("the user's")
"""


@pytest.mark.parametrize(("how", "status"), [("ends", "finished"), ("fails", "stopped")])
def test_a_run_that_nobody_closes_ends_with_the_interpreter(tmp_path, how, status):
    here = Path(__file__).parent
    paths = os.pathsep.join([str(here.parent), str(here), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-c", FORGOTTEN, str(tmp_path), how]
    subprocess.run(command, env=os.environ | {"PYTHONPATH": paths}, capture_output=True, timeout=240)
    report = json.loads(_native.inspect("forgotten", str(tmp_path)))
    assert report["run"]["status"] == status and report["run"]["step"] == 3
