"""The peer of training and of a rank's memory: PyTorch as it is usually written, with default settings and all cores; or tuned.

On some virtual machines PyTorch's default is fewer threads than cores; it is given all of them. `tuned` is what an expert makes of
one core of many: one thread, images and weights channels last, and, by the variables that training.py sets, the best OpenBLAS kernel
and a malloc that keeps its memory. A tuned process says "ready" and measures once it reads a line, so that all cores do at once.

Usage: python3 torch_training.py NETWORK SECONDS [float|bytes|tuned]. Prints how many images were trained in that time
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

GREY, COLOUR = (1, 28, 28), (3, 32, 32)


def dnn_1():
    return nn.Sequential(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(13 * 13 * 32, 100), nn.ReLU(),
                         nn.Linear(100, 10))


def dnn_2():
    layers = []
    for inputs, outputs in ((3, 64), (64, 128), (128, 256)):
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(), nn.Conv2d(outputs, outputs, 3, padding=1), nn.ReLU(),
                   nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(4 * 4 * 256, 10))


def aime_seq():
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10))


def aime_cnn(channels, left):
    return nn.Sequential(nn.Conv2d(channels, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Flatten(), nn.Linear(left, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))


def zhang(channels, first, second, left, width):
    return nn.Sequential(nn.Conv2d(channels, first, 3), nn.ReLU(), nn.Conv2d(first, first, 3), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Conv2d(first, second, 3), nn.ReLU(), nn.Conv2d(second, second, 3), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Flatten(), nn.Linear(left, width), nn.ReLU(), nn.Dropout(0.5), nn.Linear(width, width), nn.ReLU(),
                         nn.Linear(width, 10))


def simple_cnn():
    return nn.Sequential(nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Flatten(), nn.Linear(7 * 7 * 64, 1024), nn.ReLU(), nn.Dropout(0.5), nn.Linear(1024, 10))


class Block(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.stride, self.padding = outputs // inputs, (outputs - inputs) // 2
        self.residual = nn.Sequential(nn.Conv2d(inputs, outputs, 3, self.stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(),
                                      nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, maps):
        beside = maps
        if self.padding:
            beside = nn.functional.pad(maps[:, :, ::self.stride, ::self.stride], (0, 0, 0, 0, self.padding, self.padding))
        return nn.functional.relu(self.residual(maps) + beside)


def resnet_20():
    widths = [16] * 4 + [32] * 3 + [64] * 3
    return nn.Sequential(nn.Conv2d(1, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(), *map(Block, widths, widths[1:]),
                         nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


NETWORKS = {
    "dnn-1": (dnn_1, GREY),
    "dnn-2": (dnn_2, COLOUR),
    "aime-seq": (aime_seq, GREY),
    "aime-cnn": (lambda: aime_cnn(1, 256), GREY),
    "aime-cnn-rgb": (lambda: aime_cnn(3, 400), COLOUR),
    "simple-cnn": (simple_cnn, GREY),
    "resnet-20": (resnet_20, GREY),
    "zhang-mnist": (lambda: zhang(1, 32, 64, 1024, 200), GREY),
    "zhang-cifar": (lambda: zhang(3, 64, 128, 3200, 256), COLOUR),
}

make, shape = NETWORKS[sys.argv[1]]
limit_s = float(sys.argv[2])
form = sys.argv[3] if len(sys.argv) > 3 else "float"
tuned = form == "tuned"
torch.set_num_threads(1 if tuned else len(os.sched_getaffinity(0)))
network = make()
images, test_images = (torch.randint(0, 256, (count, *shape), dtype=torch.uint8) for count in (IMAGES, TEST_IMAGES))
if form != "bytes":
    images, test_images = images.float().div_(255), test_images.float().div_(255)
if tuned:
    network = network.to(memory_format=torch.channels_last)
    images = images.contiguous(memory_format=torch.channels_last)
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
    if form == "bytes":
        batch = batch.float().div_(255)
    if tuned:
        batch = batch.contiguous(memory_format=torch.channels_last)
    optimizer.zero_grad(set_to_none=True) if tuned else optimizer.zero_grad()
    loss_of(network(batch), labels[chosen]).backward()
    optimizer.step()


chosen = batches()
for _ in range(3):
    step(next(chosen))
if tuned:
    print("ready", flush=True)
    sys.stdin.readline()
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
