"""Training throughput of the whole machine, against PyTorch as it comes, against PyTorch tuned, and against the machine's own peak."""

import os
import subprocess

from harness import PEERS, PYTHON, BenchmarkError, Row, alternate, clean_environment, fields, run, say

# Of each network: how many times as fast as the tuned peer, or what share of the sgemm peak it is to reach. Those so small that
# overhead rules have the first, the others the second.
TARGETS = {"aime-seq": (1.5, None), "aime-cnn": (1.5, None), "aime-cnn-rgb": (None, 0.5), "dnn-1": (None, 0.45), "dnn-2": (None, 0.5),
           "zhang-mnist": (None, 0.5), "zhang-cifar": (None, 0.5),
           "simple-cnn": (None, 0.5), "resnet-20": (None, 0.4)}


def flops_per_image(network):
    """Floating-point operations to train one image: docs/benchmarks.md has the formula."""
    def convolution(inputs, outputs, side, kernel=3):
        return 2 * kernel * kernel * inputs * outputs * side * side

    def dense(*widths):
        return [2 * inputs * outputs for inputs, outputs in zip(widths, widths[1:])]

    forward = {
        "dnn-1": [convolution(1, 32, 26), *dense(13 * 13 * 32, 100, 10)],
        "dnn-2": [convolution(3, 64, 32), convolution(64, 64, 32), convolution(64, 128, 16), convolution(128, 128, 16),
                  convolution(128, 256, 8), convolution(256, 256, 8), *dense(4 * 4 * 256, 10)],
        "aime-seq": dense(784, 128, 64, 10),
        "aime-cnn": [convolution(1, 6, 24, 5), convolution(6, 16, 8, 5), *dense(256, 120, 84, 10)],
        "aime-cnn-rgb": [convolution(3, 6, 28, 5), convolution(6, 16, 10, 5), *dense(400, 120, 84, 10)],
        "zhang-mnist": [convolution(1, 32, 26), convolution(32, 32, 24), convolution(32, 64, 10), convolution(64, 64, 8),
                        *dense(1024, 200, 200, 10)],
        "zhang-cifar": [convolution(3, 64, 30), convolution(64, 64, 28), convolution(64, 128, 12), convolution(128, 128, 10),
                        *dense(3200, 256, 256, 10)],
        "simple-cnn": [convolution(1, 32, 28), convolution(32, 64, 14), *dense(7 * 7 * 64, 1024, 10)],
        "resnet-20": [convolution(1, 16, 28), *[convolution(16, 16, 28)] * 6, convolution(16, 32, 14), *[convolution(32, 32, 14)] * 5,
                      convolution(32, 64, 7), *[convolution(64, 64, 7)] * 5, *dense(64, 10)],
    }[network]
    # Each layer's output, its weights' gradient, and its input's gradient, which the first layer does not need.
    return 3 * sum(forward) - forward[0]


def on_all_cores(command, environment, unit, processes=None):
    """So many single-threaded processes, one a core if that is not said, all measuring at once: the sum of their rates."""
    count = processes or len(os.sched_getaffinity(0))
    processes = [subprocess.Popen(command, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
                 for _ in range(count)]
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
    return sum(result[unit] / result["seconds"] for result in results)


def ours_on_all_cores(setting, what, seconds):
    return on_all_cores([setting.program("training_throughput"), what, str(seconds)], clean_environment(),
                        "flops" if what == "sgemm" else "images")


def best_kernel(setting):
    """The OpenBLAS kernel that Telltale pins its ranks to on this CPU."""
    words = run([setting.program("training_throughput"), "kernel", "1"]).split()
    return words[1] if len(words) > 1 else None


def tuned_on_all_cores(network, seconds, kernel):
    # What an expert sets: no page is given back to the system and asked for again at every step.
    tuning = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MALLOC_TRIM_THRESHOLD_": str(1 << 32),
              "MALLOC_MMAP_THRESHOLD_": str(1 << 30), "MALLOC_TOP_PAD_": str(64 << 20)}
    if kernel:
        tuning["OPENBLAS_CORETYPE"] = kernel
    return on_all_cores([PYTHON, os.path.join(PEERS, "torch_training.py"), network, str(seconds), "tuned"], {**clean_environment(), **tuning},
                        "images")


def throughput(setting):
    seconds = 1 if setting.quick else 10
    cores = len(os.sched_getaffinity(0))
    version = run([PYTHON, "-c", "import torch; print(torch.__version__)"]).strip()
    kernel = best_kernel(setting)
    rows = []
    for network, (against_tuned, of_peak) in TARGETS.items():
        plain = Row(f"training {network}, images/s, {cores} ranks", f"python3-torch {version}, {cores} threads", target=1.3)
        tuned = Row(f"training {network}, images/s, {cores} ranks", f"the same, tuned, {cores} processes", target=against_tuned)
        share = Row(f"training {network}, GFLOP/s, {cores} ranks", "sgemm peak", target=of_peak)
        for repeat in range(setting.repeats):
            def ours():
                return ours_on_all_cores(setting, network, seconds)

            first, theirs = alternate(repeat, ours, lambda: tuned_on_all_cores(network, seconds, kernel))
            second, as_it_comes = alternate(
                repeat, ours, lambda: fields(run([PYTHON, os.path.join(PEERS, "torch_training.py"), network, str(seconds)])))
            peak = ours_on_all_cores(setting, "sgemm", seconds / 2)
            tuned.add(first, theirs)
            plain.add(second, as_it_comes["images"] / as_it_comes["seconds"])
            share.add(first * flops_per_image(network) / 1e9, peak / 1e9)
            say(f"{network}: {first:.0f} images/s, PyTorch tuned {theirs:.0f}, as it comes {as_it_comes['images'] / as_it_comes['seconds']:.0f}, "
                f"sgemm {peak / 1e9:.0f} GFLOP/s")
        rows += [plain, tuned, share]
    return rows
