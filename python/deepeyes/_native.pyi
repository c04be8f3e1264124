"""The Rust engine as Python sees it. Everything here releases the GIL while it works, and raises `Error` (or a built-in error) with
a message that names what, where, and what to do."""

from collections.abc import Sequence
from typing import Any, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

F32: TypeAlias = NDArray[np.float32]
F64: TypeAlias = NDArray[np.float64]
I64: TypeAlias = NDArray[np.int64]
I32: TypeAlias = NDArray[np.int32]
U32: TypeAlias = NDArray[np.uint32]
U8: TypeAlias = NDArray[np.uint8]

__version__: str

class Error(RuntimeError):
    """What the engine could not do."""

@final
class Recorder:
    """A run that is being written: into a log directory (a `Recorder(logdir=...)`), or to a server (`server="http://host:6116"`)."""

    def __new__(
        cls,
        description: str,
        *,
        logdir: str | None = None,
        directory: str | None = None,
        server: str | None = None,
        token: str | None = None,
        window: int = 20,
        seed: int = 0,
        rank: int = 0,
        ranks: int = 1,
    ) -> Recorder:
        """`description`: the run as JSON, in the fields of the engine's `RunDescription`. A name that exists gets `-2`.
        `directory`: one under `logdir` that `new_directory` made for it."""
    @property
    def location(self) -> str:
        """The run's directory, or the address of its page on the server."""
    def scalars(
        self,
        steps: Sequence[int],
        losses: Sequence[float],
        accuracies: Sequence[float],
        seconds: Sequence[float],
        observed_seconds: Sequence[float],
    ) -> bool:
        """Iterations of which no activations were taken, in order; NaN where unknown. False where none of them was taken because too
        much waits: offer them again later."""
    def batch(
        self,
        step: int,
        loss: float,
        accuracy: float,
        seconds: float,
        observed_seconds: float,
        inputs: I64,
        labels: I32,
        predictions: I32,
        images: U8 | None,
        layers: Sequence[tuple[int, F32, U32, U32]],
    ) -> bool:
        """One iteration with activations; NaN where a number is unknown. `inputs` [n]: identities; `labels`, `predictions` [n] or [0];
        `images` [n, h, w, 1 or 3]; of each layer its number, rows [r, F], each row's place in the mini-batch [r] (rows of one input
        together) and position (row * width + column) [r]. False where it was not taken because too much waits."""
    def instances(
        self,
        step: int,
        inputs: I64,
        labels: I32,
        predictions: I32,
        images: U8 | None,
        layers: Sequence[tuple[U32, U32, F32, F32]],
    ) -> bool:
        """Instances for the input maps. Of each watched layer, in order: each instance's place in `inputs` [n], position [n], raw
        activations [n, F], neuronal receptive field [n, width]; all empty for a layer without any. False where too much waits."""
    def probe(self, step: int, labels: I32, held_out: NDArray[np.bool_], features: Sequence[F32]) -> bool:
        """Features [inputs, width] of each watched layer for label separability. False where too much waits."""
    def validation(self, step: int, accuracy: float, loss: float) -> None:
        """A measurement on held-out data; NaN where unknown."""
    def waiting(self) -> int:
        """Events that the analysis has not taken yet, or that were not sent yet."""
    def cost(self) -> float:
        """Seconds of processor time that the analysis, or sending to a server, has taken in this process so far."""
    def findings(self) -> str:
        """The newest findings, as a JSON list, most severe first. Of a run that is sent, the server is asked, and waited for."""
    def problems(self) -> list[str]:
        """What of ours failed and was switched off, or what keeps the run from being sent."""
    def finish(self, finished: bool) -> None:
        """Applies and stores what waits, and ends the run: as finished, or as stopped. Further calls do nothing. What was not
        sent within 30 s is given up, with an `Error`."""

@final
class Server:
    """The dashboard over a log directory, in a thread of this process."""

    def __new__(
        cls,
        logdir: str,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        token: str | None = None,
        base_path: str | None = None,
        allow_hosts: Sequence[str] = (),
    ) -> Server: ...
    @property
    def url(self) -> str: ...
    def close(self) -> None: ...

def inspect(run: str, logdir: str = "runs") -> str:
    """What `deepeyes inspect RUN --json` prints."""

def instances(run: str, layer: str, logdir: str = "runs") -> dict[str, Any]:
    """The newest sampled instances of a layer: `activations` [n, F] float32, `labels`, `predictions`, `inputs`, `steps` [n] int64,
    `positions` [n, 2], and of images `rects` [n, 4] int64, `patches` [n, h, w, c] uint8."""

def new_directory(logdir: str, name: str) -> str:
    """Makes a directory for a run under a log directory; a name that exists gets `-2`."""

def tensorboard(run: str, logdir: str = "runs") -> tuple[list[tuple[str, str, I64, F64, F64]], list[str]]:
    """Scalars of TensorBoard's event files in a run's directory and below it: folder, tag, steps, values and Unix seconds [n] of
    each curve; and which files are not read to their end, and why."""

def image_hashes(values: NDArray[Any]) -> I64:
    """A hash of each row of a C-contiguous array [n, ...]: the identity of an input without an index. Never negative."""

def main(arguments: Sequence[str]) -> int:
    """The `deepeyes` program; gives its exit code."""
