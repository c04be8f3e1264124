"""A recorder that keeps what it is given, so that tests see what a producer hands over."""

import json

import numpy as np


class FakeRecorder:
    """Has the interface of `deepeyes._native.Recorder`; takes everything while `taking`."""

    last: "FakeRecorder"

    def __init__(self, description, **options):
        self.description, self.options = json.loads(description), options
        self.taking, self.seconds_of_analysis, self.finished = True, 0.0, None
        self.scalar_steps, self.batches, self.instance_events, self.probes, self.validations = [], [], [], [], []
        self.losses = {}
        self.location = "fake"
        FakeRecorder.last = self

    def scalars(self, steps, losses, accuracies, seconds, observed_seconds):
        if self.taking:
            self.scalar_steps += steps
            self.losses.update(zip(steps, losses, strict=True))
        return self.taking

    def batch(self, step, loss, accuracy, seconds, observed_seconds, inputs, labels, predictions, images, layers):
        for part, dtype in ((inputs, np.int64), (labels, np.int32), (predictions, np.int32)):
            assert part.dtype == dtype and part.ndim == 1
        for layer, rows, places, positions in layers:
            assert rows.dtype == np.float32 and rows.flags.c_contiguous
            assert rows.shape == (len(places), self.description["layers"][layer]["filters"])
            assert places.dtype == positions.dtype == np.uint32 and len(places) == len(positions)
            assert places.max(initial=0) < len(inputs)
        if self.taking:
            self.losses[step] = loss
            self.batches.append(
                {
                    "step": step,
                    "accuracy": accuracy,
                    "inputs": inputs,
                    "labels": labels,
                    "predictions": predictions,
                    "images": images,
                    "layers": {self.description["layers"][layer[0]]["name"]: layer[1:] for layer in layers},
                }
            )
        return self.taking

    def instances(self, step, inputs, labels, predictions, images, layers):
        self.instance_events.append((step, inputs, labels, predictions, images, layers))
        return self.taking

    def probe(self, step, labels, held_out, features):
        self.probes.append((step, labels, held_out, features))
        return self.taking

    def validation(self, step, accuracy, loss):
        self.validations.append((step, accuracy, loss))

    def waiting(self):
        return 0

    def cost(self):
        return self.seconds_of_analysis

    def findings(self):
        return "[]"

    def problems(self):
        return []

    def finish(self, finished):
        self.finished = finished
