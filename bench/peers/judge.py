"""Judges maps of the same data by one exact P, exact Z and exact neighbours. Usage: judge.py DATA.npy MAP... [--no-kl]

A map is a .npy file [n, 2], or a .npz with `embedding` (of all rows), or `NAME.npz:INDICES:EMBEDDING` for a part of the
rows, which are then judged among themselves, by neighbours only.
"""
import json
import sys

import numpy as np


def blocks(a, b):
    """Squared distances of blocks of rows of `a` to all rows of `b`."""
    square = (b * b).sum(1)
    for first in range(0, len(a), 500):
        part = a[first:first + 500]
        yield first, np.maximum((part * part).sum(1)[:, None] + square[None] - 2 * part @ b.T, 0)


def neighbours(a, k, queries):
    """Indices and squared distances of the k nearest other rows of some rows."""
    indices, distances = [], []
    for first, d in blocks(a[queries], a):
        own = queries[first:first + len(d)]
        d[np.arange(len(d)), own] = np.inf
        near = np.argpartition(d, k, 1)[:, :k].copy()  # a view would keep the whole block
        indices.append(near)
        distances.append(np.take_along_axis(d, near, 1))
    return np.vstack(indices), np.vstack(distances)


def joint(z, perplexity=30):
    """P of the exact 3 x perplexity neighbours: rows, columns, values."""
    n, k = len(z), 3 * perplexity
    indices, d = neighbours(z, k, np.arange(n))
    d -= d.min(1, keepdims=True)
    low, high = np.full(n, -50.0), np.full(n, 50.0)
    for _ in range(60):
        middle = (low + high) / 2
        p = np.exp(-np.exp(middle)[:, None] * d)
        p /= p.sum(1, keepdims=True)
        entropy = -(p * np.log(np.maximum(p, 1e-300))).sum(1)
        wide = entropy > np.log(perplexity)
        low, high = np.where(wide, middle, low), np.where(wide, high, middle)
    rows, columns = np.repeat(np.arange(n), k), indices.ravel()
    keys = np.concatenate([rows * n + columns, columns * n + rows])
    keys, inverse = np.unique(keys, return_inverse=True)
    values = np.bincount(inverse, np.concatenate([p.ravel(), p.ravel()])) / (2 * n)
    return keys // n, keys % n, values


def divergence(p, y):
    rows, columns, values = p
    total = sum(float((1 / (1 + d)).sum()) for _, d in blocks(y, y)) - len(y)
    square = ((y[rows] - y[columns]) ** 2).sum(1)
    return float((values * (np.log(values) + np.log1p(square))).sum() + np.log(total))


def kept(x, y, k=10, most=2000):
    queries = np.linspace(0, len(x), min(most, len(x)), endpoint=False).astype(int)
    pairs = zip(neighbours(x, k, queries)[0], neighbours(y, k, queries)[0])
    return float(np.mean([len(set(a) & set(b)) / k for a, b in pairs]))


data = np.load(sys.argv[1]).astype("float64")
names = [name for name in sys.argv[2:] if not name.startswith("--")]
p = None if "--no-kl" in sys.argv or any(":" in name for name in names) else joint(data)
for name in names:
    path, *parts = name.split(":")
    array = np.load(path)
    part = data
    if parts:
        part, y = data[array[parts[0]].ravel()], array[parts[1]]
    else:
        y = array["embedding"] if path.endswith(".npz") else array
    y = y.reshape(-1, 2).astype("float64")
    print(json.dumps({"map": name, "kl": None if p is None else divergence(p, y), "kept": kept(part, y)}))
