"""What watching costs: the step time of one model in one process, in blocks of watched and unwatched steps by turns.

    python bench/overhead/overhead.py [CASE ...] [--blocks N] [--seconds S] [--processor] [--tensorboard] [--json]

Prints for each case the ratio of the mean step times, with a 95 % interval (bootstrap over pairs of neighbouring blocks),
the ratio of the medians, and the share of watched steps that were sampled. Blocks that are unwatched run with no hooks on
the model. The run warms up first: starting it (receptive fields are probed then) is told apart, in seconds. On a busy machine,
`--processor` times what all threads of the process take together instead: the training's, and the analysis' in full.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time

import numpy as np
import torch
import torch.nn.functional as F
from models import LeNet, ViT, alexnet, resnet18

import deepeyes

# Case: how the model is made, the shape of a mini-batch, its classes, and the budget of DESIGN for the ratio.
CASES = {
    "lenet": (LeNet, (64, 1, 28, 28), 10, 1.05),
    "resnet18": (resnet18, (32, 3, 64, 64), 10, 1.02),
    "alexnet": (alexnet, (16, 3, 224, 224), 20, 1.02),
    "vit": (ViT, (32, 3, 64, 64), 10, 1.03),
}


class Training:
    """A training step, watched or not; the hooks are on the model only while it is."""

    def __init__(self, case, clock, tensorboard):
        make, shape, classes, _ = CASES[case]
        self.clock = clock
        torch.manual_seed(0)
        self.model = make()
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.001)
        self.x, self.y = torch.rand(shape), torch.randint(0, classes, (shape[0],))
        self.directory = tempfile.mkdtemp()
        self.watched = Histograms(self.model, self.directory) if tensorboard else Watched(self.model, self.directory)

    def step(self, watched):
        """Seconds of one step."""
        start = self.clock()
        loss = F.cross_entropy(self.model(self.x), self.y)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        if watched:
            self.watched.step(self.x, self.y, loss)
        return self.clock() - start

    def block(self, watched, steps):
        """Seconds of each step of a block."""
        self.watched.turn(watched)
        return [self.step(watched) for _ in range(steps)]

    def close(self):
        self.watched.close()
        shutil.rmtree(self.directory, ignore_errors=True)


class Watched:
    """Watching by deepeyes at default settings."""

    def __init__(self, model, directory):
        self.model, self.sampled, self.steps = model, 0, 0
        self.run = deepeyes.watch(model, logdir=directory, name="overhead")
        self.hooks = [(hooks, dict(hooks)) for hooks in (model._forward_pre_hooks, model._forward_hooks)]

    def turn(self, on):
        """Puts the hooks on the model or takes them off, and begins the next step's time anew."""
        for hooks, ours in self.hooks:
            hooks.clear()
            hooks.update(ours if on else {})
        self.run._session._last = time.perf_counter()

    def step(self, x, y, loss):
        self.steps += 1
        self.sampled += self.run._session.sampling
        self.run.step(inputs=x, labels=y, loss=loss)

    def close(self):
        self.run.close()


class Histograms:
    """TensorBoard's histogram of every layer's output at every tenth step."""

    def __init__(self, model, directory):
        from torch.utils.tensorboard import SummaryWriter

        self.writer, self.on, self.steps, self.sampled, self.seen = SummaryWriter(directory), False, 0, 0, {}
        for name, layer in model.named_modules():
            if isinstance(layer, (torch.nn.Conv2d, torch.nn.Linear)):
                layer.register_forward_hook(lambda _module, _args, out, name=name: self.keep(name, out))

    def keep(self, name, out):
        if self.on and self.steps % 10 == 0:
            self.seen[name] = out.detach()

    def turn(self, on):
        self.on = on

    def step(self, _x, _y, _loss):
        for name, values in self.seen.items():
            self.writer.add_histogram(name, values, self.steps)
        self.sampled += bool(self.seen)
        self.seen.clear()
        self.steps += 1

    def close(self):
        self.writer.close()


def measure(case, blocks, seconds, clock, tensorboard):
    """The ratio of watched to unwatched step times of a case."""
    training = Training(case, clock, tensorboard)
    started = time.perf_counter()
    for _ in range(4):
        training.step(True)
    started = time.perf_counter() - started
    plain = float(np.median(training.block(False, 5)))
    steps = max(4, round(seconds / plain))
    training.block(True, 2 * steps)
    training.watched.steps = training.watched.sampled = 0
    on, off = [], []
    for pair in range(blocks):
        # Which of the two is first changes from pair to pair, so that a drift of the machine favours neither.
        for watched in (True, False) if pair % 2 else (False, True):
            (on if watched else off).append(training.block(watched, steps))
    share = training.watched.sampled / max(training.watched.steps, 1)
    training.close()
    on, off = np.array(on), np.array(off)
    random = np.random.default_rng(0)
    draws = random.integers(0, blocks, (2000, blocks))
    ratios = on.mean(1)[draws].mean(1) / off.mean(1)[draws].mean(1)
    return {
        "case": case,
        "step_ms": round(1e3 * float(np.median(off)), 2),
        "ratio": round(float(on.mean() / off.mean()), 4),
        "interval": [round(float(edge), 4) for edge in np.quantile(ratios, [0.025, 0.975])],
        "ratio_of_medians": round(float(np.median(on) / np.median(off)), 4),
        "budget": CASES[case][3],
        "sampled_share": round(share, 4),
        "steps": int(on.size),
        "start_seconds": round(started - 4 * plain, 2),
    }


def main():
    parser = argparse.ArgumentParser(description="What watching costs, as a ratio of step times.")
    parser.add_argument("cases", nargs="*", default=list(CASES), help=f"of {', '.join(CASES)} (all)")
    parser.add_argument("--blocks", type=int, default=20, help="pairs of blocks")
    parser.add_argument("--seconds", type=float, default=1.0, help="of a block")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--processor", action="store_true", help="time the process' threads, not the clock on the wall")
    parser.add_argument("--tensorboard", action="store_true", help="time TensorBoard's histograms instead")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    unknown = [case for case in arguments.cases if case not in CASES]
    if unknown:
        parser.error(f"no case {unknown[0]!r}: expected {', '.join(CASES)}")
    torch.set_num_threads(arguments.threads)
    clock = time.process_time if arguments.processor else time.perf_counter
    found = []
    for case in arguments.cases:
        result = measure(case, arguments.blocks, arguments.seconds, clock, arguments.tensorboard)
        found.append(result)
        print(
            "{case:9} {step_ms:8.2f} ms a step   ratio {ratio:.3f} [{interval[0]:.3f}, {interval[1]:.3f}]   medians "
            "{ratio_of_medians:.3f}   budget {budget:.2f}   sampled {sampled_share:.1%} of {steps} steps   start "
            "{start_seconds:.2f} s".format(**result),
            file=sys.stderr if arguments.json else sys.stdout,
            flush=True,
        )
    if arguments.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
