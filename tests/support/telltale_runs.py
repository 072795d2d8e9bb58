"""The real program, for tests: started alone or on ranks, stopped, killed, and its results files compared.

Needs nothing but Python and h5py, so that scripts without pytest can use it too.
"""

import dataclasses
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time

import h5py

ALL_DONE, SOME_FAILED, UNUSABLE_INPUT, STOPPED_EARLY, TAKEN_OVER = range(5)

# A safety net, that a test which hangs may end: no machine is so slow, and no test may be decided by it.
SAFETY_NET_S = 900

# What a shell may hold and what would reach the ranks: kernels, launchers around this one, Telltale's own variables.
_FOREIGN = ("OPENBLAS_", "GOTO_", "OMP_", "MKL_", "ONEDNN_", "DNNL_", "ATEN_", "GLIBC_TUNABLES", "OMPI_", "PMIX_", "PMI_", "PRTE_",
            "SLURM_", "TELLTALE")


def clean_environment(**more):
    environment = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    environment.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", LC_ALL="C.UTF-8", **more)
    return environment


def _state_and_session(folder):
    """Of a process or thread in /proc; None if it is gone."""
    try:
        after_name = (folder / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return after_name[0], int(after_name[3])


def _has_living_threads(pid):
    """Killed, a process can be a zombie while a thread of it still waits for the disk, and holds its files and locks."""
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return False
    return any(found is not None and found[0] not in "ZX" for found in (_state_and_session(pathlib.Path("/proc", pid, "task", one)) for one in threads))


@dataclasses.dataclass
class Finished:
    code: int
    out: str
    err: str

    @property
    def text(self):
        return self.out + self.err


class Process:
    """One run of the program, with its launcher and its ranks in a session of their own."""

    def __init__(self, command, environment, cwd):
        self.begun_s = time.time()
        self._out = _Captured()
        self._err = _Captured()
        self._popen = subprocess.Popen(command, env=environment, cwd=cwd, stdin=subprocess.DEVNULL, stdout=self._out.file,
                                       stderr=self._err.file, start_new_session=True)
        self.pid = self._popen.pid

    def running(self):
        return self._popen.poll() is None

    def members(self):
        """Every living process of the session, the launcher included."""
        pids = []
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            if (found := _state_and_session(pathlib.Path("/proc", entry))) is None:
                continue
            state, session = found
            if session == self.pid and (state not in "ZX" or _has_living_threads(entry)):
                pids.append(int(entry))
        return pids

    def ranks(self):
        """Process ids by rank, of a run under a launcher."""
        found = {}
        for pid in self.members():
            try:
                variables = pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            except OSError:
                continue
            for name in (b"OMPI_COMM_WORLD_RANK=", b"PMIX_RANK="):
                ranks = [int(v[len(name):]) for v in variables if v.startswith(name)]
                if ranks and pid != self.pid:
                    found[ranks[0]] = pid
                    break
        return found

    def signal(self, number, pid=None):
        os.kill(self.pid if pid is None else pid, number)

    def finish(self, timeout_s=SAFETY_NET_S):
        """Waits for the end and returns what it said."""
        try:
            code = self._popen.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.end()
            raise AssertionError(f"still running after {timeout_s} s; it said: {self._out.text()}{self._err.text()}") from None
        return Finished(code, self._out.text(), self._err.text())

    def wait_until_gone(self, timeout_s=SAFETY_NET_S):
        """Waits until no process of the session lives; returns the seconds that took. AssertionError if some stay."""
        begun = time.monotonic()
        self._popen.wait(timeout_s)
        while left := self.members():
            if time.monotonic() - begun > timeout_s:
                self.end()
                raise AssertionError(f"processes {left} are still there {timeout_s} s after the run was killed")
            time.sleep(0.01)
        return time.monotonic() - begun

    def end(self):
        """Kills whatever is left of this run."""
        for pid in self.members():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self._popen.wait()


def start_one_otherwise(ranks, all_others, last):
    """mpirun with `ranks` ranks, of which the last runs another command. (Several commands in one mpirun crash that of Open MPI 5.0.7.)"""
    choose = 'if [ "${OMPI_COMM_WORLD_RANK:-$PMIX_RANK}" = $1 ]; then shift $(($2 + 2)); exec "$@"; else exec "${@:3:$2}"; fi'
    words = [str(word) for word in (*all_others, *last)]
    return Process([shutil.which("mpirun") or "mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(ranks), "bash", "-c", choose, "-",
                    str(ranks - 1), str(len(all_others)), *words], clean_environment(), None)


class _Captured:
    def __init__(self):
        import tempfile
        self.file = tempfile.TemporaryFile()

    def text(self):
        self.file.seek(0)
        return self.file.read().decode("utf-8", "replace")


class Telltale:
    """The program under test."""

    def __init__(self, path):
        self.path = os.path.realpath(path)

    def start(self, *arguments, ranks=0, cwd=None, environment=None):
        """Starts a command; `ranks` 0: one process without a launcher."""
        command = [self.path, *map(str, arguments)]
        if ranks > 0:
            command = [shutil.which("mpirun") or "mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(ranks), *command]
        return Process(command, clean_environment(**(environment or {})), cwd)

    def __call__(self, *arguments, ranks=0, cwd=None, environment=None, timeout_s=SAFETY_NET_S):
        """Runs a command to its end."""
        return self.start(*arguments, ranks=ranks, cwd=cwd, environment=environment).finish(timeout_s)

    def run(self, job, output, *more, expect=ALL_DONE, **how):
        """Runs a study; AssertionError unless it ends with the expected exit code."""
        done = self("run", job, "-o", output, *more, **how)
        assert done.code == expect, f"exit code {done.code}, not {expect}:\n{done.text}"
        return done

    def status(self, output):
        """(done, total, failed, open) as `telltale status` tells them from the journal."""
        done = self("status", output)
        assert done.code in (ALL_DONE, SOME_FAILED, STOPPED_EARLY), done.text
        words = next(line for line in done.out.splitlines() if line.startswith("tasks")).replace(",", "").split()
        return int(words[1]), int(words[3]), int(words[5]), int(words[7])


def distinct_profiles(telltale, job):
    """Profiles that this CPU can run and whose bits differ for the job, the best first, then those most unlike it."""
    probed = telltale("probe", job, "--profiles", "best,others:4", "--json", ranks=5)
    assert probed.code == ALL_DONE, probed.text
    profiles = {}
    for rank in json.loads(probed.out):
        # On some CPUs two profiles have the same bits (zen and haswell on Zen 3).
        bits = json.dumps(rank["fingerprints"]["by_subject"], sort_keys=True)
        profiles.setdefault(bits, rank["passport"]["profile"])
    return list(profiles.values())


def environments_of(output):
    """The profiles of a results file's environments, the one that trained first."""
    with h5py.File(output) as file:
        group = file["environments"]
        trainer = group.attrs["training_environment"]
        return sorted(group["profile"].asstr()[()].tolist(), key=lambda name: (name != trainer, name))


def write_job(path, **settings):
    """A job file; underscores in names become dashes. Lists become comma lists."""
    def text(value):
        return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
    path = pathlib.Path(path)
    path.write_text("".join(f"{key.replace('_', '-')} = {text(value)}\n" for key, value in settings.items()), encoding="utf-8")
    return path


def progress(output, since_s=0):
    """What a run that began at `since_s` (Unix time) or later says about itself in its progress file; None if nothing yet."""
    try:
        told = json.loads(pathlib.Path(f"{output}.progress").read_text())
    except (OSError, ValueError):
        return None
    return told if told["at_s"] >= since_s else None


def wait_for_progress(process, output, wanted, timeout_s=SAFETY_NET_S):
    """Waits until `wanted(progress)` holds for this run; returns that progress, or None if the run ended before."""
    until = time.monotonic() + timeout_s
    while process.running():
        told = progress(output, process.begun_s)
        if told and wanted(told):
            return told
        if time.monotonic() > until:
            process.end()
            raise AssertionError(f"the run did not come so far in {timeout_s} s; its last progress: {told}")
        time.sleep(0.005)
    return None


def stop(process, output, results=1):
    """SIGTERM to the coordinator (or the only process) once so many results are committed and something is left to do."""
    told = wait_for_progress(process, output, lambda told: told["done"] >= results)
    assert told and told["remaining"] >= 1, "the study was over before it could be stopped"
    process.signal(signal.SIGTERM, process.ranks().get(0))
    stopped = process.finish()
    assert stopped.code == STOPPED_EARLY, stopped.text
    return stopped


# Attributes that point into the file, and so to places in it.
_REFERENCES = {"DIMENSION_LIST", "REFERENCE_LIST"}


def contents(path, without=("run",), without_attributes=()):
    """Everything scientific in a results file: {name: (type, shape, bytes or texts)}, attributes as "name@attribute".

    Numbers are taken as bytes, so that NaN equals NaN and -0.0 does not equal 0.0.
    """
    found = {}

    def value_of(array):
        array_type = getattr(array, "dtype", None)
        if array_type is None or array_type.kind in "OSU":
            return array.tolist() if hasattr(array, "tolist") else array
        return array.tobytes()

    def take(name, item):
        if name.split("/")[0] in without:
            return
        for attribute, value in item.attrs.items():
            if attribute not in _REFERENCES and attribute not in without_attributes:
                found[f"{name}@{attribute}"] = value_of(value)
        if isinstance(item, h5py.Dataset):
            found[name] = (str(item.dtype), item.shape, value_of(item[()]))
        else:
            found[name] = sorted(item)

    with h5py.File(path) as file:
        take("", file)
        file.visititems(take)
    return found


def differences(a, b):
    """Names of what is not the same in two contents()."""
    return sorted(name for name in a.keys() | b.keys() if name not in a or name not in b or a[name] != b[name])


def assert_equal_results(path, reference, **how):
    """Every array and attribute except those of the group `run`, bit for bit."""
    a, b = contents(path, **how), contents(reference, **how)
    arrays = [name for name, value in a.items() if isinstance(value, tuple)]
    assert len(arrays) > 5, "hardly an array: nothing was compared"
    assert not differences(a, b), f"{path} and {reference} differ in: {', '.join(differences(a, b))}"
