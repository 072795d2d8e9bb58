"""The peer of claims and attacks: PyTorch as an expert writes it for one core of many (one thread, channels last, inference mode).

Prints how many of each a minute has: claims (100 images with the noise of each of 1,000 secrets, through the small network of Zhong et al.
2020), and prune, fine-tune (5 epochs of 5,000 images), extract (5,000 questions, 1,000 steps): each with 10,600 images asked afterwards.

Usage: python3 torch_ownership.py SECONDS"""

import copy
import sys
import time

import torch
from torch import nn

IMAGES, ASKED, BATCH, SECRETS, QUERIES, SIGMA = 10000, 10600, 500, 1000, 100, 0.1

torch.set_num_threads(1)


def made():
    return nn.Sequential(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(13 * 13 * 32, 100), nn.ReLU(),
                         nn.Linear(100, 10)).to(memory_format=torch.channels_last)


network = made()
images = torch.rand(ASKED, 1, 28, 28).contiguous(memory_format=torch.channels_last)
labels = torch.randint(0, 10, (ASKED,))
half = IMAGES // 2


def answers(model, asked):
    with torch.inference_mode():
        return torch.cat([model(part).argmax(1) for part in asked.split(BATCH)])


def accuracy(model):
    return (answers(model, images) == labels).float().mean()


def claims():
    base, matches = images[:QUERIES], []
    for secret in range(0, SECRETS, 10):
        draws = torch.Generator().manual_seed(secret)
        patterns = SIGMA * torch.randn(10, 1, 1, 28, 28, generator=draws)
        asked = (base + patterns).clamp_(0, 1).flatten(0, 1)
        matches += (answers(network, asked).view(10, QUERIES) == 0).sum(1).tolist()
    return sum(other >= matches[0] for other in matches[1:])


def prune():
    pruned = copy.deepcopy(network)
    with torch.inference_mode():
        weights = [parameter for name, parameter in pruned.named_parameters() if name.endswith("weight")]
        every = torch.cat([weight.abs().flatten() for weight in weights])
        limit = every.kthvalue(every.numel() // 2).values
        for weight in weights:
            weight.mul_(weight.abs() > limit)
    accuracy(pruned)


def trained(model, asked, told, steps, batch):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    done = 0
    while done < steps:
        for part in torch.randperm(half).split(batch):
            optimizer.zero_grad(set_to_none=True)
            nn.functional.cross_entropy(model(asked[part]), told[part]).backward()
            optimizer.step()
            done += 1
            if done == steps:
                break
    return model


def fine_tune():
    accuracy(trained(copy.deepcopy(network), images[:half], labels[:half], 5 * -(-half // 128), 128))


def extract():
    told = answers(network, images[:half])
    copied = trained(made(), images[:half], told, 1000, 64)
    accuracy(copied)


def a_minute(attack):
    attack()
    done, start = 0, time.perf_counter()
    while time.perf_counter() - start < float(sys.argv[1]):
        attack()
        done += 1
    return 60 * done / (time.perf_counter() - start)


print("claims", a_minute(claims), "prune", a_minute(prune), "fine-tune", a_minute(fine_tune), "extract", a_minute(extract))
