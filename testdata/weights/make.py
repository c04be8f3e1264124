"""Writes the files of weights that crates/train reads in its tests. Needs Python alone: run `python3 make.py` here.

The checkpoints have the layout of torch.save (PyTorch 2): an uncompressed zip archive with the object's pickle, in
which each storage is a persistent id, and the storages' bytes beside it.
"""

import collections
import io
import json
import pickle
import struct
import sys
import types
import zipfile

FORMATS = {"float": "f", "half": "e", "double": "d", "long": "q"}


def packed(kind, values):
    if kind == "bfloat16":
        return b"".join(struct.pack("<f", v)[2:] for v in values)
    return struct.pack(f"<{len(values)}{FORMATS[kind]}", *values)


# --- safetensors ---------------------------------------------------------------------------------------------------


def safetensors(path, tensors):
    names = {"float": "F32", "half": "F16", "bfloat16": "BF16", "double": "F64", "long": "I64"}
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, (kind, shape, values) in tensors.items():
        content = packed(kind, values)
        header[name] = {"dtype": names[kind], "shape": shape, "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    header = json.dumps(header).encode()
    header += b" " * (-len(header) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(header)) + header + data)


# --- PyTorch -------------------------------------------------------------------------------------------------------

torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
sys.modules.update({"torch": torch, "torch._utils": utils})
STORAGES = {"float": "FloatStorage", "half": "HalfStorage", "bfloat16": "BFloat16Storage", "double": "DoubleStorage",
            "long": "LongStorage"}
for storage_name in STORAGES.values():
    setattr(torch, storage_name, type(storage_name, (), {"__module__": "torch"}))


def _rebuild_tensor_v2():
    pass


_rebuild_tensor_v2.__module__ = "torch._utils"
utils._rebuild_tensor_v2 = _rebuild_tensor_v2


class Storage:
    def __init__(self, kind, values):
        self.kind, self.values = kind, values


class Tensor:
    def __init__(self, storage, shape, stride=None, offset=0):
        if stride is None:
            stride, step = [], 1
            for extent in reversed(shape):
                stride.insert(0, step)
                step *= extent
        self.arguments = (storage, offset, tuple(shape), tuple(stride), False, collections.OrderedDict())

    def __reduce__(self):
        return _rebuild_tensor_v2, self.arguments


def tensor(kind, shape, values):
    return Tensor(Storage(kind, values), shape)


class Runs:
    """An object whose unpickling would run a command."""

    def __reduce__(self):
        import os
        return os.system, ("touch /tmp/ran",)


def checkpoint(path, thing):
    storages = []

    class Pickler(pickle.Pickler):
        def persistent_id(self, obj):
            if not isinstance(obj, Storage):
                return None
            if obj not in storages:
                storages.append(obj)
            key = str(storages.index(obj))
            return "storage", getattr(torch, STORAGES[obj.kind]), key, "cpu", len(obj.values)

    content = io.BytesIO()
    Pickler(content, protocol=2).dump(thing)
    root = path.rsplit(".", 1)[0]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        def write(name, data):
            archive.writestr(zipfile.ZipInfo(f"{root}/{name}"), data)
        write("data.pkl", content.getvalue())
        write("byteorder", "little")
        for key, storage in enumerate(storages):
            write(f"data/{key}", packed(storage.kind, storage.values))
        write("version", "3\n")


# --- Caffe ---------------------------------------------------------------------------------------------------------


def varint(n):
    out = b""
    while n > 0x7F:
        out += bytes([n & 0x7F | 0x80])
        n >>= 7
    return out + bytes([n])


def message(number, content):
    return varint(number << 3 | 2) + varint(len(content)) + content


def number(number, value):
    return varint(number << 3) + varint(value)


def blob(shape, values):
    return message(7, message(1, b"".join(map(varint, shape)))) + message(5, packed("float", values))


def old_blob(shape, values):
    unpacked = b"".join(varint(5 << 3 | 5) + struct.pack("<f", v) for v in values)
    return b"".join(number(i + 1, extent) for i, extent in enumerate(shape)) + unpacked


def layer(name, kind, blobs):
    return message(100, message(1, name) + message(2, kind) + b"".join(message(7, b) for b in blobs))


def old_layer(name, kind, blobs):
    return message(2, message(2, b"data") + message(4, name) + number(5, kind) + b"".join(message(6, b) for b in blobs))


def main():
    safetensors("small.safetensors", {
        "a.weight": ("float", [2, 3], [0, 1, 2, 3, 4, 5]),
        "a.bias": ("half", [2], [0.5, -2]),
        "b.weight": ("bfloat16", [1, 1, 1, 2], [1.5, -3]),
        "b.bias": ("double", [], [0.25]),
        "count": ("long", [], [7]),
    })
    shared = Storage("float", list(range(8)))
    checkpoint("state.pth", collections.OrderedDict([
        ("conv.weight", Tensor(shared, [2, 1, 2, 2])),
        ("conv.bias", tensor("half", [2], [0.5, -2])),
        ("transposed", Tensor(shared, [2, 3], [1, 2], 1)),
        ("bn.num_batches_tracked", tensor("long", [], [7])),
        ("fc.weight", tensor("double", [1, 2], [0.25, 3])),
    ]))
    checkpoint("training.pth", {
        "epoch": 3,
        "state_dict": {"module.fc.weight": tensor("bfloat16", [1, 2], [1.5, -3])},
        "optimizer": {"state": {0: {"momentum_buffer": tensor("float", [1, 2], [9, 9])}}},
    })
    checkpoint("runs.pth", {"fc.weight": tensor("float", [1], [1]), "other": Runs()})
    checkpoint("unfolds.pth", {"fc.weight": Tensor(Storage("float", [1]), [1000, 1000], [0, 0])})
    with open("small.caffemodel", "wb") as file:
        file.write(message(1, b"small")
                   + layer(b"data", b"Input", [])
                   + layer(b"conv1", b"Convolution", [blob([2, 1, 2, 1], [1, 2, 3, 4]), blob([2], [5, 6])])
                   + layer(b"bn1", b"BatchNorm", [blob([2], [2, 4]), blob([2], [8, 16]), blob([1], [2])])
                   + layer(b"relu1", b"PReLU", [blob([2], [0.25, 0.5])]))
    with open("old.caffemodel", "wb") as file:
        file.write(message(1, b"old")
                   + old_layer(b"conv1", 4, [old_blob([1, 1, 2, 2], [1, 2, 3, 4]), old_blob([1, 1, 1, 1], [5])])
                   + old_layer(b"ip1", 14, [old_blob([1, 1, 2, 3], range(6)), old_blob([1, 1, 1, 2], [6, 7])]))


main()
