"""What each process of a distributed training does, for `test_torch_run.py`: trains, watched or not, and saves its weights."""

import sys

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn
from torch.nn.parallel import DistributedDataParallel

import deepeyes


def main(directory: str, watched: bool) -> None:
    dist.init_process_group("gloo")
    rank = dist.get_rank()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = DistributedDataParallel(nn.Sequential(nn.Conv2d(1, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(216, 3)))
    run = deepeyes.watch(model, logdir=f"{directory}/runs", name="ddp", budget=1.0) if watched else None
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    generator = torch.Generator().manual_seed(rank)
    for _ in range(20):
        x, y = torch.rand(8, 1, 8, 8, generator=generator), torch.randint(0, 3, (8,), generator=generator)
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if run is not None:
            run.step(inputs=x, labels=y, loss=loss)
    if run is not None:
        run.close()
    torch.save(model.module.state_dict(), f"{directory}/{'watched' if watched else 'plain'}-{rank}.pt")
    dist.destroy_process_group()


main(sys.argv[1], sys.argv[2] == "watched")
