"""Writes the event files that the store reads in its tests, and `expected.json`, what TensorBoard itself reads of them.
Needs torch and tensorboard: run `python make.py` here.

- `torch/`: PyTorch's SummaryWriter, with what is no scalar between; `add_scalars` makes folders of its own.
- `again/`: a training that was taken up again at an earlier step, in a file of its own that says so.
- `keras/`: tensors with the scalars plugin in their metadata, as TensorFlow 2 and Keras write them.
"""

import json
import shutil
import time
from pathlib import Path

import numpy as np
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, types_pb2
from tensorboard.summary.writer.record_writer import RecordWriter
from torch.utils.tensorboard import SummaryWriter

HERE = Path(__file__).parent
BEGAN = 1_700_000_000


def rename(folder, place):
    """Gives a folder's new file a name without this machine's."""
    (new,) = (path for path in folder.iterdir() if "trainer" not in path.name and path.is_file())
    new.rename(folder / f"events.out.tfevents.{BEGAN + place}.trainer.1.{place}")


def pytorch():
    writer = SummaryWriter(HERE / "torch")
    for step in range(20):
        at = BEGAN + step
        writer.add_scalar("loss/train", 2 / (step + 1), step, at)
        if step % 5 == 0:
            writer.add_scalar("accuracy", step / 20, step, at)
            writer.add_histogram("weights", np.arange(4.0), step, bins=[0, 2, 4], walltime=at)
        if step % 10 == 0:
            writer.add_text("note", f"step {step}", step, at)
            writer.add_image("image", np.zeros((1, 2, 2), np.float32), step, at)
            writer.add_scalars("both", {"train": -float(step), "validation": step + 0.5}, step, at)
    for step, value in enumerate([float("nan"), float("inf"), -float("inf"), 1e-30]):
        writer.add_scalar("größe", value, step, BEGAN)
    writer.close()
    rename(HERE / "torch", 0)
    for folder in ("both_train", "both_validation"):
        rename(HERE / "torch" / folder, 0)


def again():
    folder = HERE / "again"
    for place, (first, last) in enumerate([(0, 12), (8, 15)]):
        writer = SummaryWriter(folder, purge_step=first if place else None)
        for step in range(first, last):
            writer.add_scalar("loss", 100 * place + step, step, BEGAN + 100 * place + step)
        if place == 0:
            writer.add_scalar("only before", 1, 11, BEGAN)
        writer.close()
        rename(folder, place)


def tensor(kind, value, content):
    proto = tensor_pb2.TensorProto(dtype=kind)
    if content:
        dtype = "<f4" if kind == types_pb2.DT_FLOAT else "<f8"
        proto.tensor_content = np.array(value, dtype).tobytes()
    else:
        (proto.float_val if kind == types_pb2.DT_FLOAT else proto.double_val).append(value)
    return proto


def keras():
    scalars = summary_pb2.SummaryMetadata(plugin_data={"plugin_name": "scalars"}, data_class=summary_pb2.DATA_CLASS_SCALAR)
    text = summary_pb2.SummaryMetadata(plugin_data={"plugin_name": "text"}, data_class=summary_pb2.DATA_CLASS_TENSOR)
    for part, kind, content in (("train", types_pb2.DT_FLOAT, True), ("validation", types_pb2.DT_DOUBLE, False)):
        (HERE / "keras" / part).mkdir(parents=True)
        path = HERE / "keras" / part / f"events.out.tfevents.{BEGAN}.trainer.1.0.v2"
        with open(path, "wb") as file:
            writer = RecordWriter(file)

            def write(event, writer=writer):
                writer.write(event.SerializeToString())

            write(event_pb2.Event(wall_time=BEGAN, file_version="brain.Event:2"))
            for step in range(6):
                values = []
                for tag, value in (("epoch_loss", 1 / (step + 3)), ("epoch_learning_rate", 0.1 * 0.5**step)):
                    # Metadata may be left out after a tag's first value.
                    metadata = scalars if step < 2 else None
                    values.append(summary_pb2.Summary.Value(tag=tag, metadata=metadata, tensor=tensor(kind, value, content)))
                words = tensor_pb2.TensorProto(dtype=types_pb2.DT_STRING, string_val=[b"words"])
                values.append(summary_pb2.Summary.Value(tag="words", metadata=text, tensor=words))
                write(event_pb2.Event(wall_time=BEGAN + step, step=step, summary=summary_pb2.Summary(value=values)))


def expected():
    """Each curve as TensorBoard's own reader has it: folder, tag, and `[wall time, step, value]` of each point, the value as text."""
    found = []
    for folder in sorted({path.parent for path in HERE.rglob("*tfevents*")}):
        reader = EventAccumulator(str(folder), size_guidance={"scalars": 0, "tensors": 0})
        reader.Reload()
        curves = {tag: reader.Scalars(tag) for tag in reader.Tags()["scalars"]}
        points = {tag: [(e.wall_time, e.step, repr(e.value)) for e in events] for tag, events in curves.items()}
        for tag in reader.Tags()["tensors"]:
            if reader.SummaryMetadata(tag).plugin_data.plugin_name == "scalars":
                proto = [(e.wall_time, e.step, e.tensor_proto) for e in reader.Tensors(tag)]
                points[tag] = [(wall, step, number(proto)) for wall, step, proto in proto]
        found += [{"folder": folder.relative_to(HERE).as_posix(), "tag": tag, "points": points[tag]} for tag in points if points[tag]]
    found.sort(key=lambda curve: (curve["folder"], curve["tag"]))
    text = json.dumps(found, ensure_ascii=False)
    (HERE / "expected.json").write_text(text.replace(' {"folder', '\n{"folder') + "\n", encoding="utf-8")


def number(proto):
    if proto.tensor_content:
        return repr(float(np.frombuffer(proto.tensor_content, "<f4" if proto.dtype == types_pb2.DT_FLOAT else "<f8")[0]))
    return repr((proto.float_val or proto.double_val)[0])


if __name__ == "__main__":
    for folder in ("torch", "again", "keras"):
        shutil.rmtree(HERE / folder, ignore_errors=True)
    # The writers put the time into their files' first records.
    time.time = lambda: float(BEGAN)
    pytorch()
    again()
    keras()
    expected()
