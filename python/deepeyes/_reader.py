"""What a run has stored, as Python data."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from deepeyes import _native

from ._guard import warn

if TYPE_CHECKING:
    import pandas

Array: TypeAlias = NDArray[Any]

_COLUMNS = {"inputs": "input", "labels": "label", "predictions": "prediction", "steps": "step"}
_POSITION = ("row", "column")
_RECT = ("y", "x", "height", "width")


class Instances(dict[str, Array]):
    """The newest sampled instances of a layer, `n` of them, as arrays.

    `activations` [n, F] float32 before rectification; `inputs`, `labels`, `predictions`, `steps` [n] int64, -1 where unknown;
    `positions` [n, 2], row and column of the layer's grid. Of images also `rects` [n, 4], what each instance sees of its input
    (y, x, height, width in pixels; it may reach outside by the padding), and `patches` [n, h, w, c] uint8, the pixels there.
    """

    def columns(self) -> dict[str, Array]:
        """One array [n] a column, named as `deepeyes export --what instances` names them; all but the patches.
        `polars.DataFrame(instances.columns())` and `pyarrow.table(instances.columns())` take it as it is."""
        columns = {column: self[name] for name, column in _COLUMNS.items() if name in self}
        for name, axes in (("positions", _POSITION), ("rects", _RECT)):
            if name in self:
                columns.update({axis: self[name][:, at] for at, axis in enumerate(axes)})
        activations = self["activations"]
        columns.update(
            {f"activation_{i}": np.ascontiguousarray(activations[:, i]) for i in range(activations.shape[1])}
        )
        return columns

    def to_pandas(self) -> pandas.DataFrame:
        """The columns as a pandas data frame; needs pandas."""
        import pandas

        return pandas.DataFrame(self.columns())


class StoredRun:
    """A run in a log directory, which may still be written. Everything is read anew when asked for.

    Methods raise `deepeyes.Error` where the run is not there or cannot be read.
    """

    def __init__(self, run: str | os.PathLike[str], logdir: str | os.PathLike[str] = "runs") -> None:
        self._run, self._logdir = os.fspath(run), os.fspath(logdir)
        self.document()

    def __repr__(self) -> str:
        return f"deepeyes.open({self._run!r})"

    def document(self) -> dict[str, Any]:
        """What `deepeyes inspect RUN --json` prints: `run`, `scalars`, `layers`."""
        return json.loads(_native.inspect(self._run, self._logdir))

    def info(self) -> dict[str, Any]:
        """The run itself: `name`, `status` (`running`, `finished`, `stopped`, `interrupted`), `step`, `parameters`, `classes`, ..."""
        return self.document()["run"]

    def scalars(self) -> dict[str, Array]:
        """`step` [steps] int64; `loss`, `accuracy` (on held-out data) and `train_accuracy` [steps] float64, NaN where not measured."""
        scalars = self.document()["scalars"]
        return {name: np.array(values, np.int64 if name == "step" else np.float64) for name, values in scalars.items()}

    def layers(self) -> dict[str, dict[str, Any]]:
        """Each layer's numbers in the last complete window, by its name: `kind`, `grid`, `perplexity`, `stable`, `drift`,
        `filters_detail`, `redundant_groups`, `effective_filters`, ..., as `inspect` names them."""
        return {layer["name"]: layer for layer in self.document()["layers"]}

    def findings(self) -> list[dict[str, Any]]:
        """What the data supports, layer by layer: `kind`, `layer`, `severity`, `evidence`, `text`, and where they apply `filters`,
        `instances` and `suggestion`."""
        return [finding for layer in self.document()["layers"] for finding in layer["findings"]]

    def tensorboard(self) -> dict[str, dict[str, Array]]:
        """Scalars of TensorBoard's event files (`events.out.tfevents.*`) that lie in the run's directory or below it, by their
        tags; of files in a folder below by `folder:tag`. Of each `step` [n] int64, `value` and `wall_time` (Unix seconds) [n]
        float64. A file that is broken is read up to there, and warned of."""
        curves, notes = _native.tensorboard(self._run, self._logdir)
        for note in notes:
            warn(f"deepeyes: {note}")
        return {
            f"{folder}:{tag}" if folder else tag: {"step": step, "value": value, "wall_time": wall_time}
            for folder, tag, step, value, wall_time in curves
        }

    def instances(self, layer: str) -> Instances:
        """The newest sampled instances of a layer."""
        return Instances(_native.instances(self._run, layer, self._logdir))


def open(run: str | os.PathLike[str], logdir: str | os.PathLike[str] = "runs") -> StoredRun:
    """A stored run: `run` is its directory, or its name under `logdir`."""
    return StoredRun(run, logdir)
