"""The peer of boundary searches: the published search (`code`: what the authors' program did) as a plain PyTorch program.

One process a profile, one thread each, pinned by the same variables as telltale's ranks; this process searches, one image
after the other, and asks them through pipes.

Usage: python3 torch_boundary.py MODEL RESULTS PROFILES. MODEL is a trained model in an artifacts folder of telltale, RESULTS the
results file of a boundary study, from whose images it searches, PROFILES a JSON list of the environment variables of each machine; the
first one approaches the boundary alone. Prints the seconds of all attempts, without the start of the processes."""

import json
import os
import pickle
import struct
import subprocess
import sys
import time

import numpy as np

LOCAL_LIMIT, REMOTE_LIMIT = 2000, 500
LOCAL_ALPHA, REMOTE_ALPHA = 1e-4, 2e-4
LOCAL_TARGET = 1e-5


def weights_of(path):
    """The tensors of a model in an artifacts folder: a head of 48 bytes, then two blocks, the outcome and a safetensors container."""
    import torch

    with open(path, "rb") as file:
        packed = file.read()[48:]
    outcome_size, = struct.unpack_from("<Q", packed)
    container = packed[8 + outcome_size + 8:]
    header_size, = struct.unpack_from("<Q", container)
    header = json.loads(container[8:8 + header_size])
    header.pop("__metadata__", None)
    types = {"F32": np.float32, "I64": np.int64, "F64": np.float64, "U8": np.uint8}
    tensors = {}
    for name, entry in header.items():
        begin, end = (8 + header_size + offset for offset in entry["data_offsets"])
        values = np.frombuffer(container[begin:end], types[entry["dtype"]]).copy()
        tensors[name] = torch.from_numpy(values).reshape(entry["shape"])
    return tensors


def resnet_20(weights):
    """As Keras' example writes it, a convolution without batch norm past the blocks that change the shape."""
    import torch
    from torch import nn

    def convolution(inputs, outputs, kernel=3, stride=1, bias=False):
        return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=bias)

    def norm(filters):
        return nn.BatchNorm2d(filters, eps=1e-3, momentum=0.01)

    class Block(nn.Module):
        def __init__(self, inputs, outputs):
            super().__init__()
            stride = 1 if inputs == outputs else 2
            self.conv1, self.norm1 = convolution(inputs, outputs, stride=stride), norm(outputs)
            self.conv2, self.norm2 = convolution(outputs, outputs), norm(outputs)
            if inputs != outputs:
                self.shortcut = convolution(inputs, outputs, 1, stride, bias=True)

        def forward(self, maps):
            inner = torch.relu(self.norm1(self.conv1(maps)))
            beside = self.shortcut(maps) if hasattr(self, "shortcut") else maps
            return torch.relu(self.norm2(self.conv2(inner)) + beside)

    class ResNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.norm = convolution(weights["conv.weight"].shape[1], 16), norm(16)
            filters = 16
            for stage in (1, 2, 3):
                for block in (1, 2, 3):
                    outputs = 2 * filters if stage > 1 and block == 1 else filters
                    setattr(self, f"stage{stage}_block{block}", Block(filters, outputs))
                    filters = outputs
            self.output = nn.Linear(filters, weights["output.weight"].shape[0])

        def forward(self, images):
            maps = torch.relu(self.norm(self.conv(images)))
            for stage in (1, 2, 3):
                for block in (1, 2, 3):
                    maps = getattr(self, f"stage{stage}_block{block}")(maps)
            return self.output(maps.mean((2, 3)))

    network = ResNet()
    network.load_state_dict(weights)
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    return network.eval()


def answer(model):
    """A machine: reads (image, label) pickles from standard input and writes (confidences, gradient) to standard output."""
    import torch

    torch.set_num_threads(1)
    network = resnet_20(weights_of(model))
    loss_of = torch.nn.CrossEntropyLoss()
    questions, answers = sys.stdin.buffer, sys.stdout.buffer
    answers.write(b"ready\n")
    answers.flush()
    while True:
        try:
            image, label = pickle.load(questions)
        except EOFError:
            return
        images = torch.from_numpy(image)[None].requires_grad_()
        logits = network(images)
        loss_of(logits, torch.tensor([label])).backward()
        pickle.dump((torch.softmax(logits, 1)[0].detach().numpy(), images.grad[0].numpy()), answers)
        answers.flush()


class Machine:
    def __init__(self, model, variables):
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        environment.update(variables)
        self.process = subprocess.Popen([sys.executable, os.path.abspath(__file__), "--answer", model], env=environment,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if self.process.stdout.readline() != b"ready\n":
            raise SystemExit(f"the machine of {variables} did not start")

    def ask(self, image, label):
        pickle.dump((image, label), self.process.stdin)
        self.process.stdin.flush()

    def answer(self):
        return View(*pickle.load(self.process.stdout))

    def end(self):
        self.process.stdin.close()
        self.process.wait()


class View:
    def __init__(self, confidences, gradient):
        first, second = np.partition(confidences, -2)[:-3:-1]
        self.label, self.top, self.delta, self.gradient = int(confidences.argmax()), first, float(first - second), gradient


class Search:
    """One attempt. Returns from run() how it ended; counts forward and backward passes."""

    def __init__(self, machines, image, label):
        self.machines, self.image, self.label = machines, image.copy(), label
        self.evaluations, self.scale, self.before, self.start_label = 0, 1.0, None, None

    def ask(self, machines):
        for machine in machines:
            machine.ask(self.image, self.label)
        self.evaluations += 2 * len(machines)
        return [machine.answer() for machine in machines]

    def step(self, view, alpha, growth):
        if self.before and (view.label != self.before.label or view.top != self.before.top):
            self.scale = view.delta if view.delta > 0 else 1e-7
        else:
            self.scale *= growth
        self.before = view
        sign = 1 if self.start_label == self.label else -1
        if view.label != self.start_label:
            sign = -sign
        self.image += np.float32(sign * self.scale * alpha) * np.sign(view.gradient)

    def run(self):
        for taken in range(LOCAL_LIMIT + 1):
            view, = self.ask(self.machines[:1])
            if self.start_label is None:
                self.start_label = view.label
            if view.delta <= LOCAL_TARGET:
                break
            if view.top == 1:
                return "saturated"
            if taken == LOCAL_LIMIT:
                return "local limit"
            self.step(view, LOCAL_ALPHA, 2 if taken < 500 else 1.5)
        for taken in range(REMOTE_LIMIT + 1):
            views = self.ask(self.machines)
            labels = [view.label for view in views]
            group = [view for view in views if view.label == min(labels, key=labels.count)]
            if len(group) == 1:
                return "success"
            if taken == REMOTE_LIMIT:
                return "remote limit"
            if len(group) == len(views):
                chosen = min(group, key=lambda view: view.delta)
            else:
                chosen = sorted(group, key=lambda view: -view.delta)[1]
            self.step(chosen, REMOTE_ALPHA, 1.5 if taken < 25 else 1.25)


def main(model, results, profiles):
    import h5py

    with h5py.File(results) as file:
        images = file["boundary/original"][()].astype(np.float32) / np.float32(255)
        labels = file["boundary/true_label"][()].reshape(-1, len(images))[0]
    machines = [Machine(model, variables) for variables in json.loads(profiles)]
    # What the first answers of a process cost is its start.
    Search(machines, images[0], int(labels[0])).ask(machines)
    endings, evaluations = [], 0
    start = time.perf_counter()
    for image, label in zip(images, labels):
        search = Search(machines, image, int(label))
        endings.append(search.run())
        evaluations += search.evaluations
    seconds = time.perf_counter() - start
    for machine in machines:
        machine.end()
    print("attempts", len(endings), "successes", endings.count("success"), "evaluations", evaluations, "seconds", seconds)
    print(", ".join(f"{endings.count(ending)} {ending}" for ending in sorted(set(endings))), file=sys.stderr)


if __name__ == "__main__":
    answer(sys.argv[2]) if sys.argv[1] == "--answer" else main(*sys.argv[1:])
