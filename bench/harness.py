"""What every benchmark needs: clean processes, interleaved repeats, and the table of ratios."""

import dataclasses
import os
import re
import statistics
import subprocess
import sys

PYTHON = sys.executable
PEERS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "peers")

# Whatever pins or limits the numerical libraries: the peers run as they come, telltale pins itself.
_PINNING = re.compile(r"^(OPENBLAS_|GOTO_|OMP_|MKL_|KMP_|GOMP_|DNNL_|ONEDNN_|ATEN_|TELLTALE_|GLIBC_TUNABLES$)")


def clean_environment():
    environment = {name: value for name, value in os.environ.items() if not _PINNING.match(name)}
    # Open MPI refuses root unless told twice.
    environment.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    return environment


class BenchmarkError(Exception):
    pass


@dataclasses.dataclass
class Setting:
    """Where programs are and how thorough the measurement is."""

    build: str
    folder: str  # for scratch files, on the disk that is measured
    quick: bool
    repeats: int  # of each measurement

    @property
    def telltale(self):
        return os.path.join(self.build, "telltale")

    def program(self, name):
        return os.path.join(self.build, "bench", name)

    def scratch(self, name):
        return os.path.join(self.folder, name)


@dataclasses.dataclass
class Row:
    """One line of the table: both sides of each repeat. A ratio above 1 speaks for telltale. Without a peer: one side."""

    name: str
    peer: str = ""
    more_is_better: bool = True
    target: float | None = None
    ours: list = dataclasses.field(default_factory=list)
    theirs: list = dataclasses.field(default_factory=list)

    def add(self, ours, theirs=None):
        self.ours.append(ours)
        if theirs is not None:
            self.theirs.append(theirs)

    def ratios(self):
        return [a / b if self.more_is_better else b / a for a, b in zip(self.ours, self.theirs)]


def run(command, **options):
    """The standard output of a command; its errors become a BenchmarkError that shows the command."""
    done = subprocess.run(command, env=clean_environment(), text=True, capture_output=True, **options)
    if done.returncode != 0:
        raise BenchmarkError(f"{' '.join(command)}\nended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def mpirun(ranks, command):
    return ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(ranks), *command]


def fields(text):
    """{'seconds': 1.5, ...} of a line 'seconds 1.5 ...'."""
    words = text.split()
    return {name: float(value) for name, value in zip(words[::2], words[1::2])}


def alternate(repeat, first, second):
    """Runs both; which one goes first changes with each repeat. Their results in the order given."""
    if repeat % 2 == 0:
        a = first()
        return a, second()
    b = second()
    return first(), b


def say(text):
    print("  " + text, flush=True)


def short(value):
    if value >= 10000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def spread(values, unit=""):
    middle = short(statistics.median(values)) + unit
    if len(values) == 1:
        return middle
    return f"{middle} ({short(min(values))}-{short(max(values))})"


def table(rows):
    lines = [("", "telltale", "peer", "ratio", "target")]
    for row in rows:
        verdict = ""
        if row.target is not None:
            met = statistics.median(row.ratios()) >= row.target
            verdict = f">= {row.target:g}x " + ("met" if met else "MISSED")
        beside = (f"{spread(row.theirs)}  {row.peer}", spread(row.ratios(), "x")) if row.theirs else ("", "")
        lines.append((row.name, spread(row.ours), *beside, verdict))
    widths = [max(len(line[column]) for line in lines) for column in range(5)]
    text = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines]
    text.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(text)
