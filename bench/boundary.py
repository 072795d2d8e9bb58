"""Boundary samples: telltale's search against the published one, and against a plain PyTorch program that runs it."""

import dataclasses
import json
import os
import re
import shutil

import h5py

from harness import PEERS, PYTHON, BenchmarkError, Row, alternate, fields, mpirun, run, say

# Large steps of training make a network that is steep without being sure of everything (72% of the test images right). With
# smaller ones it becomes better and flatter, and `code` rarely reaches the boundary within its 2,000 steps.
RECIPE = """experiment = boundary
dataset = glyphs
train-images = 4000
test-images = 1000
network = resnet-20
optimizer = adam
learning-rate = 0.003
batch = 64
epochs = 8
"""
LEAST_SHARE = 0.25  # of the images on which `code` must succeed: else it is no opponent

# What a CPU must have (of /proc/cpuinfo), and the profiles of the published comparison that need it.
NEEDS = {"haswell": {"avx2", "fma"}, "sandybridge": {"avx"}, "barcelona": {"pni"}}

_QUESTIONS = re.compile(r"questions: (\d+) answered by (\d+) ranks in ([\d.]+) s")


def profiles_of_this_cpu():
    with open("/proc/cpuinfo") as file:
        flags = next((set(line.split(":", 1)[1].split()) for line in file if line.startswith("flags")), set())
    left_out = [name for name, needs in NEEDS.items() if not needs <= flags]
    if left_out:
        say("left out, as this CPU cannot run them: " + ", ".join(left_out))
    return ["best"] + [name for name in NEEDS if name not in left_out]


@dataclasses.dataclass
class Searches:
    """What the searches of one study came to. Replays, which verify the samples, take no part in the seconds."""

    results: str
    attempts: int
    successes: int
    evaluations: int
    seconds: float  # wall, from the start of the first to the end of the last: all ranks together
    waiting: float  # share of these seconds that a rank that answers does not compute for a question
    endings: str

    def per(self, amount, count):
        return amount / count if count else float("inf")

    @property
    def share(self):
        return self.successes / self.attempts


class Study:
    """The trained network, and studies of searches on it."""

    def __init__(self, setting):
        self.setting = setting
        self.profiles = profiles_of_this_cpu()
        self.studies = 0
        # Kept beside the program: a model is trained once for all later runs.
        self.models = os.path.join(setting.build, "bench-models")
        results, words = self.telltale("images = 1\nsearch = telltale\n", self.profiles, len(self.profiles), self.models)
        with h5py.File(results) as file:
            kinds = file["tasks/kind"].asstr()[()]
            trained = list(kinds).index("train")
            identity = file["tasks/identity"].asstr()[trained]
            accuracy = file["train/accuracy"][()].item()
            seconds = file["run/seconds"][trained]
        self.model = os.path.join(self.models, "products-" + identity)
        taken_over = "" if "taken from the artifacts" not in words else "; taken over from an earlier run"
        say(f"network: {accuracy:.1%} of the test images right, trained in {seconds:.0f} s{taken_over}")

    def telltale(self, text, profiles, workers, artifacts):
        folder = self.setting.scratch("boundary-" + str(self.studies))
        self.studies += 1
        os.mkdir(folder)
        job, results = os.path.join(folder, "study.ini"), os.path.join(folder, "study.h5")
        with open(job, "w") as file:
            file.write(RECIPE + text)
        words = run(mpirun(workers + 1, [self.setting.telltale, "run", job, "-o", results, "--publish-interval", "0",
                                         "--profiles", ",".join(profiles), "--artifacts", artifacts]))
        return results, words

    def search(self, preset, images, profiles=None, workers=None):
        """One study of its own: nothing but the network is taken over."""
        profiles = profiles or self.profiles
        artifacts = self.setting.scratch("boundary-artifacts")
        shutil.rmtree(artifacts, ignore_errors=True)
        os.mkdir(artifacts)
        shutil.copy(self.model, artifacts)
        results, words = self.telltale(f"images = {images}\nsearch = {preset}\n", profiles, workers or len(profiles), artifacts)
        answered = _QUESTIONS.search(words)
        if not answered or "1 tasks taken from the artifacts" not in words:
            raise BenchmarkError(f"telltale run answered no questions, or trained again:\n{words}")
        _, answerers, answering_s = map(float, answered.groups())
        with h5py.File(results) as file:
            of_search = file["tasks/kind"].asstr()[()] == "search"
            finished, seconds = (file["run/" + name][()][of_search] for name in ("finished", "seconds"))
            summary = file["summary"]
            endings = dict(zip(summary["ending"].asstr()[()], summary["endings"][()].ravel()))
            wall_s = finished.max() - (finished - seconds).min()
            return Searches(results, int(summary["attempts"][()].sum()), int(summary["successes"][()].sum()),
                            int(file["boundary/evaluations"][()].sum()), wall_s,
                            max(0.0, 1 - answering_s / (answerers * wall_s)),
                            ", ".join(f"{count} {name}" for name, count in endings.items() if count))

    def torch(self, results):
        """The same images, machines and network in the plain program: its figures."""
        with h5py.File(results) as file:
            names = list(file["boundary/machine"].asstr()[()])
            local = file["boundary"].attrs["local_machine"]
            ranks = json.loads(file["run/session"].asstr()[-1])["ranks"]
        kernels = {rank["environment"]: rank["passport"]["kernels"] for rank in ranks if rank["environment"]}
        variables = []
        for name in sorted(names, key=lambda name: name != local):
            kernel = next(kernels[part] for part in name.split("+") if part in kernels)
            variables.append({"OPENBLAS_CORETYPE": kernel["openblas"], "ONEDNN_MAX_CPU_ISA": kernel["onednn"],
                              "DNNL_MAX_CPU_ISA": kernel["onednn"], "ATEN_CPU_CAPABILITY": kernel["aten"].lower()})
            if kernel["glibc"] != "all":
                variables[-1]["GLIBC_TUNABLES"] = kernel["glibc"]
        return fields(run([PYTHON, os.path.join(PEERS, "torch_boundary.py"), self.model, results, json.dumps(variables)]))


def against_the_published(setting, study):
    images = 4 if setting.quick else 20
    names = {
        "evaluations": Row("boundary search: evaluations per attempt", "`code`", more_is_better=False),
        "evaluations_success": Row("boundary search: evaluations per success", "`code`", more_is_better=False),
        "seconds": Row("boundary search: s per attempt", "`code`", more_is_better=False),
        "seconds_success": Row("boundary search: s per success", "`code`", more_is_better=False, target=20),
        "share": Row("boundary search: share of successes", "`code`"),
    }
    version = run([PYTHON, "-c", "import torch; print(torch.__version__)"]).strip()
    torch = f"python3-torch {version}, `code`, a process a profile"
    rates = Row("`code` by telltale: evaluations/s", torch)
    same = Row("`code` by telltale: s per attempt", torch, more_is_better=False)
    whole = Row("boundary search: s per attempt", torch, more_is_better=False)
    shares = Row("`code` by telltale: share of successes", torch)
    for repeat in range(min(3, setting.repeats)):
        ours, code = alternate(repeat, lambda: study.search("telltale", images), lambda: study.search("code", images))
        plain = study.torch(code.results)
        for what, one in (("telltale", ours), ("code", code)):
            say(f"{what}: {one.endings}; {one.evaluations} evaluations in {one.seconds:.1f} s, "
                f"the ranks that answer wait {one.waiting:.0%} of it")
        say(f"PyTorch, code: {plain['successes']:.0f} of {plain['attempts']:.0f} succeed; {plain['evaluations']:.0f} evaluations "
            f"in {plain['seconds']:.1f} s")
        for key, value in (("evaluations", lambda one: one.per(one.evaluations, one.attempts)),
                           ("evaluations_success", lambda one: one.per(one.evaluations, one.successes)),
                           ("seconds", lambda one: one.per(one.seconds, one.attempts)),
                           ("seconds_success", lambda one: one.per(one.seconds, one.successes)),
                           ("share", lambda one: one.share)):
            names[key].add(value(ours), value(code))
        rates.add(code.evaluations / code.seconds, plain["evaluations"] / plain["seconds"])
        same.add(code.seconds / code.attempts, plain["seconds"] / plain["attempts"])
        whole.add(ours.seconds / ours.attempts, plain["seconds"] / plain["attempts"])
        if plain["successes"]:
            shares.add(code.share, plain["successes"] / plain["attempts"])
        else:
            shares.add(code.share)
        if repeat == 0 and code.share < LEAST_SHARE:
            say(f"`code` succeeds on {code.share:.0%} of the images only, less than {LEAST_SHARE:.0%}: a weak opponent, so do not "
                "quote its seconds per success")
    return [*names.values(), rates, same, whole, shares]


def workers_of_two_machines(setting, study):
    """The same searches by more and more ranks: always two machines, as one has no other to be told from."""
    images = 16 if setting.quick else 200
    two = study.profiles[:2]
    if len(two) < 2:
        say("this CPU runs one profile only: no searches")
        return []
    say("one worker is one machine, which telltale run refuses: there is nothing to tell apart")
    rates = {workers: Row(f"searches/s, two machines, {workers} workers", "2 workers" if workers > 2 else "") for workers in (2, 4, 8)}
    waits = {workers: Row(f"share of the time that they wait, {workers} workers") for workers in rates}
    for _ in range(min(3, setting.repeats)):
        done = {workers: study.search("telltale", images, two, workers) for workers in rates}
        for workers, one in done.items():
            rate = one.attempts / one.seconds
            rates[workers].add(rate, done[2].attempts / done[2].seconds if workers > 2 else None)
            waits[workers].add(one.waiting)
            say(f"{workers} workers: {rate:.2f} searches/s, {one.endings}, waiting {one.waiting:.0%}")
    return [*rates.values(), *waits.values()]


def searches(setting):
    study = Study(setting)
    return against_the_published(setting, study) + workers_of_two_machines(setting, study)
