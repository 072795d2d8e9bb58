"""The peer of training and of a rank's memory: PyTorch as it is usually written, with default settings and all cores.

On some virtual machines PyTorch's default is fewer threads than cores; it is given all of them.

Usage: python3 torch_training.py dnn-1|dnn-2 SECONDS [float|bytes]. Prints how many images were trained in that time
and goes on until standard input ends if SECONDS is 0. `bytes` keeps the images as uint8 and converts each batch."""

import os
import select
import sys
import time

import torch
from torch import nn

BATCH = 128
IMAGES = 60000
TEST_IMAGES = 10000  # only kept, as a training script does


def dnn_1():
    return nn.Sequential(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(13 * 13 * 32, 100), nn.ReLU(),
                         nn.Linear(100, 10))


def dnn_2():
    layers = []
    for inputs, outputs in ((3, 64), (64, 128), (128, 256)):
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(), nn.Conv2d(outputs, outputs, 3, padding=1), nn.ReLU(),
                   nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(4 * 4 * 256, 10))


torch.set_num_threads(len(os.sched_getaffinity(0)))
network, shape = (dnn_1(), (1, 28, 28)) if sys.argv[1] == "dnn-1" else (dnn_2(), (3, 32, 32))
limit_s = float(sys.argv[2])
as_bytes = sys.argv[3:] == ["bytes"]
images, test_images = (torch.randint(0, 256, (count, *shape), dtype=torch.uint8) for count in (IMAGES, TEST_IMAGES))
if not as_bytes:
    images, test_images = images.float().div_(255), test_images.float().div_(255)
labels = torch.randint(0, 10, (IMAGES,))
optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9)
loss_of = nn.CrossEntropyLoss()


def batches():
    while True:
        order = torch.randperm(IMAGES)
        for first in range(0, IMAGES - BATCH + 1, BATCH):
            yield order[first:first + BATCH]


def step(chosen):
    batch = images[chosen]
    if as_bytes:
        batch = batch.float().div_(255)
    optimizer.zero_grad()
    loss_of(network(batch), labels[chosen]).backward()
    optimizer.step()


chosen = batches()
for _ in range(3):
    step(next(chosen))
if limit_s > 0:
    done = 0
    start = time.perf_counter()
    while time.perf_counter() - start < limit_s:
        step(next(chosen))
        done += BATCH
    print("images", done, "seconds", time.perf_counter() - start)
else:
    print("ready", flush=True)
    while not select.select([sys.stdin], [], [], 0)[0]:
        step(next(chosen))
