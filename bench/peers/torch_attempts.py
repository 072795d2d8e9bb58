"""The peer of a thief's tries: PyTorch as an expert writes it for one core of many (one thread, channels last, inference mode).

Prints how many tries of each kind a minute has: input-only (a pattern of one's own, 10,000 images through the small network of Chen and
Wu 2018) and pairs (a generator fitted to 100 pairs in 500 steps, then the same images behind it, and the error of the fit on them).

Usage: python3 torch_attempts.py SECONDS"""

import sys
import time

import torch
from torch import nn

IMAGES, BATCH, PAIRS, STEPS = 10000, 500, 100, 500

torch.set_num_threads(1)
network = nn.Sequential(nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                        nn.Flatten(), nn.Linear(7 * 7 * 64, 1024), nn.ReLU(), nn.Dropout(0.5), nn.Linear(1024, 10))
network = network.eval().to(memory_format=torch.channels_last)
images = torch.rand(IMAGES, 1, 28, 28).contiguous(memory_format=torch.channels_last)
labels = torch.randint(0, 10, (IMAGES,))


def generator():
    return nn.Sequential(nn.Conv2d(1, 16, 5, padding=2), nn.ReLU(), nn.Conv2d(16, 1, 1), nn.Tanh()).to(memory_format=torch.channels_last)


owner = generator()
with torch.inference_mode():
    added = owner(images)


def accuracy(transform):
    with torch.inference_mode():
        answers = [network(transform(part)).argmax(1) for part in images.split(BATCH)]
        return (torch.cat(answers) == labels).float().mean()


def input_only():
    pattern = 0.1 * (torch.rand(1, 28, 28).lt(0.2).float() - torch.rand(1, 28, 28).lt(0.2).float())
    accuracy(lambda part: part + pattern)


def pairs():
    thief = generator()
    optimizer = torch.optim.Adam(thief.parameters(), lr=0.003)
    chosen = torch.randperm(IMAGES)[:PAIRS]
    raw, target = images[chosen], added[chosen].clone()
    for _ in range(STEPS):
        optimizer.zero_grad(set_to_none=True)
        nn.functional.mse_loss(thief(raw), target).backward()
        optimizer.step()
    accuracy(lambda part: part + thief(part))
    with torch.inference_mode():
        torch.cat([(thief(part) - there).square() for part, there in zip(images.split(BATCH), added.split(BATCH))]).mean().sqrt()


def a_minute(attempt):
    attempt()
    done, start = 0, time.perf_counter()
    while time.perf_counter() - start < float(sys.argv[1]):
        attempt()
        done += 1
    return 60 * done / (time.perf_counter() - start)


print("input-only", a_minute(input_only), "pairs", a_minute(pairs))
