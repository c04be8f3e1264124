"""Small real data for the examples: scikit-learn's digits, and MNIST from IDX files."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np

MNIST = Path(__file__).parents[2] / "data" / "mnist"


def digits() -> tuple[np.ndarray, np.ndarray]:
    """1,797 scanned digits: images [1797, 8, 8] float32 in [0, 1], and labels [1797] int64."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    return (images.reshape(-1, 8, 8) / 16).astype(np.float32), labels.astype(np.int64)


def mnist(part: str = "train", folder: Path = MNIST) -> tuple[np.ndarray, np.ndarray]:
    """MNIST's `train` or `t10k` part: images [n, 28, 28] float32 in [0, 1], and labels [n] int64."""
    images = _idx(folder / f"{part}-images-idx3-ubyte.gz")
    labels = _idx(folder / f"{part}-labels-idx1-ubyte.gz")
    return (images / 255).astype(np.float32), labels.astype(np.int64)


def _idx(file: Path) -> np.ndarray:
    """A gzip-compressed IDX file of bytes: two zeros, the type, the number of axes, their lengths, the values."""
    data = gzip.decompress(file.read_bytes())
    axes = data[3]
    shape = np.frombuffer(data, ">u4", axes, offset=4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * axes).reshape(shape)
