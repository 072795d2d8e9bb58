"""A plain PyTorch process: predicts with exported models, from both of their files.

Usage: replay_models.py FOLDER IMAGES.npy BATCHES OUT.npz. FOLDER is what `telltale export --models` wrote, BATCHES a JSON list.
OUT gets the logits of every network, file and batch size, as "resnet-20 torchscript 4"."""

import csv
import json
import pathlib
import re
import sys

import numpy as np
import torch

REPOSITORY = pathlib.Path(__file__).parents[2]
sys.path.append(str(REPOSITORY / "bench/peers"))
from torch_boundary import resnet_20  # noqa: E402

# The readers that the page shows.
exec(re.search(r"```python\n(.*?)```", (REPOSITORY / "docs/models.md").read_text(encoding="utf-8"), re.S)[1])


def dnn_1(weights):
    """conv 32, pool, ReLU, dense 100, ReLU, outputs; flattened as rows x columns x channels."""
    from torch.nn import functional

    def forward(images):
        maps = functional.conv2d(images, weights["conv.weight"], weights["conv.bias"])
        flat = torch.relu(torch.max_pool2d(maps, 2)).permute(0, 2, 3, 1).flatten(1)
        dense = torch.relu(functional.linear(flat, weights["dense.weight"], weights["dense.bias"]))
        return functional.linear(dense, weights["output.weight"], weights["output.bias"])
    return forward


def from_safetensors(path):
    weights, about = read_safetensors(path)
    weights = {name: values.contiguous(memory_format=torch.channels_last) if values.dim() == 4 else values
               for name, values in weights.items()}
    name = json.loads(about["network"])["name"]
    network = dnn_1(weights) if name == "dnn-1" else resnet_20(weights)
    if name != "dnn-1":
        for parameter in network.parameters():
            if parameter.dim() == 4:
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return lambda images: network(images.clone(memory_format=torch.channels_last))


def from_torchscript(path):
    return read_torchscript(path)[0]


def main(folder, images, batches, out):
    images = torch.from_numpy(np.load(images))
    logits = {}
    with open(pathlib.Path(folder, "manifest.csv"), newline="") as manifest, torch.no_grad():
        for row in csv.DictReader(manifest):
            for form, load in (("safetensors", from_safetensors), ("torchscript", from_torchscript)):
                network = load(str(pathlib.Path(folder, row[form])))
                for batch in json.loads(batches):
                    logits[f"{json.loads(row['network'])['name']} {form} {batch}"] = logits_of(network, images, batch).numpy()
    np.savez(out, **logits)


if __name__ == "__main__":
    main(*sys.argv[1:])
