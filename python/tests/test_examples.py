"""Every example runs as a program, and leaves a run that says what it should."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import deepeyes

EXAMPLES = Path(__file__).parents[1] / "examples"

# Each program's arguments, the library that it needs, and its run's name and layers.
RUNS = {
    "pytorch_mnist.py": (["--steps", "40"], "torch", "pytorch", ["0", "2", "5", "7"]),
    "numpy_digits.py": (["--steps", "60"], "sklearn", "numpy", ["hidden", "output"]),
    "lightning_mnist.py": (
        ["--images", "1280"],
        "lightning",
        "lightning",
        ["features.0", "features.3", "classifier.1", "classifier.3"],
    ),
    "transformers_digits.py": (["--steps", "40"], "transformers", "transformers", None),
    "keras_mnist.py": (["--images", "1280"], "keras", "keras", ["conv1", "conv2", "fc1", "fc2"]),
    "jax_mnist.py": (["--steps", "30"], "flax", "jax", ["conv1", "conv2", "fc1", "fc2"]),
}


def environment(**more):
    """This one's, with the package to be found, and few threads."""
    path = os.pathsep.join([str(EXAMPLES.parent), os.environ.get("PYTHONPATH", "")])
    return os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "2", "TOKENIZERS_PARALLELISM": "false"} | more


def test_all_examples_are_run():
    assert {file.name for file in EXAMPLES.glob("*_*.py")} == set(RUNS)


@pytest.mark.parametrize("program", RUNS)
def test_an_example(program, tmp_path):
    arguments, library, name, layers = RUNS[program]
    if find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    command = [sys.executable, str(EXAMPLES / program), "--logdir", str(tmp_path), *arguments]
    answer = subprocess.run(command, capture_output=True, text=True, env=environment())
    assert answer.returncode == 0, answer.stderr
    assert "deepeyes stopped watching" not in answer.stderr, answer.stderr
    run = deepeyes.open(name, tmp_path)
    found = run.layers()
    assert run.info()["status"] == "finished"
    assert list(found) == layers or (layers is None and len(found) > 8)
    assert all(layer["instances_sampled"] > 0 for layer in found.values())
    assert "patches" in run.instances(next(iter(found))) or name == "numpy"
