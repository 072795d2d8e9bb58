"""Training throughput of the whole machine, against PyTorch as it comes and against the machine's own peak."""

import os
import subprocess

from harness import PEERS, PYTHON, BenchmarkError, Row, alternate, clean_environment, fields, run, say


def flops_per_image(network):
    """Floating-point operations to train one image: docs/benchmarks.md has the formula."""
    def convolution(inputs, outputs, side):
        return 2 * 3 * 3 * inputs * outputs * side * side

    def dense(inputs, outputs):
        return 2 * inputs * outputs

    if network == "dnn-1":
        forward = [convolution(1, 32, 26), dense(13 * 13 * 32, 100), dense(100, 10)]
    else:
        forward = [convolution(3, 64, 32), convolution(64, 64, 32), convolution(64, 128, 16), convolution(128, 128, 16),
                   convolution(128, 256, 8), convolution(256, 256, 8), dense(4 * 4 * 256, 10)]
    # Each layer's output, its weights' gradient, and its input's gradient, which the first layer does not need.
    return 3 * sum(forward) - forward[0]


def on_all_cores(setting, what, seconds):
    """One pinned single-threaded process a core, all measuring at once: the sum of their rates."""
    command = [setting.program("training_throughput"), what, str(seconds)]
    processes = [subprocess.Popen(command, env=clean_environment(), text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
                 for _ in os.sched_getaffinity(0)]
    try:
        if any(process.stdout.readline() != "ready\n" for process in processes):
            raise BenchmarkError(f"{' '.join(command)} did not start")
        for process in processes:
            process.stdin.write("\n")
            process.stdin.flush()
        results = [fields(process.communicate()[0]) for process in processes]
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
                process.wait()
    unit = "flops" if what == "sgemm" else "images"
    return sum(result[unit] / result["seconds"] for result in results)


def throughput(setting):
    seconds = 1 if setting.quick else 10
    cores = len(os.sched_getaffinity(0))
    version = run([PYTHON, "-c", "import torch; print(torch.__version__)"]).strip()
    rows = []
    for network in ("dnn-1", "dnn-2"):
        speed = Row(f"training {network}, images/s, {cores} ranks", f"python3-torch {version}, {cores} threads", target=1.3)
        share = Row(f"training {network}, GFLOP/s, {cores} ranks", "sgemm peak")
        for repeat in range(setting.repeats):
            ours, theirs = alternate(
                repeat, lambda: on_all_cores(setting, network, seconds),
                lambda: fields(run([PYTHON, os.path.join(PEERS, "torch_training.py"), network, str(seconds)])))
            peak = on_all_cores(setting, "sgemm", seconds / 2)
            speed.add(ours, theirs["images"] / theirs["seconds"])
            share.add(ours * flops_per_image(network) / 1e9, peak / 1e9)
            say(f"{network}: {ours:.0f} images/s, PyTorch {theirs['images'] / theirs['seconds']:.0f}, sgemm {peak / 1e9:.0f} GFLOP/s")
        rows += [speed, share]
    return rows
