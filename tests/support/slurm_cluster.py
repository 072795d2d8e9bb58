"""A Slurm cluster of four nodes on this machine (slurm/local-cluster), as tests speak to it."""

import os
import pathlib
import signal
import subprocess
import time

from telltale_runs import SAFETY_NET_S, clean_environment

REPOSITORY = pathlib.Path(__file__).parents[2]
LOCAL_CLUSTER = REPOSITORY / "slurm" / "local-cluster"
STUDY = REPOSITORY / "slurm" / "study.sbatch"
NODES = ("haswell", "skylake", "zen", "zen")  # the feature of each


class Slurm:
    def __init__(self, folder, telltale):
        self.environment = clean_environment(SLURM_CONF=str(folder / "slurm.conf"), TELLTALE=telltale.path)

    def __call__(self, *words, check=True):
        done = subprocess.run(list(map(str, words)), env=self.environment, text=True, capture_output=True, timeout=SAFETY_NET_S)
        assert not check or done.returncode == 0, f"{' '.join(map(str, words))}\n{done.stdout}{done.stderr}"
        return done.stdout.strip()

    def srun(self, *words):
        """What a command prints whose ranks srun starts. Where a rank is slow to start, Open MPI 4.1 may call what is not there yet and
        die (docs/cluster.md): then the same command again, as its users would, which goes on with what was begun."""
        for attempt in range(5):
            try:
                return self("srun", "--mpi=pmix", "--kill-on-bad-exit=1", *words)
            except AssertionError as error:
                if "Segmentation fault" not in str(error) or attempt == 4:
                    raise

    def submit(self, *words, log, nodes=4, minutes=10, script=STUDY, options=()):
        """The id of a job of study.sbatch."""
        return self("sbatch", "--parsable", f"--nodes={nodes}", f"--time={minutes}", f"--output={log}", *options, script, *words)

    def submit_and_wait_for_a_result(self, telltale, job, output, *words, log, **how):
        """The id of a job of study.sbatch that has committed something."""
        number = self.submit(job, output, *words, log=log, **how)
        self.wait_for_a_result(telltale, number, output, log)
        return number

    def wait_for_a_result(self, telltale, job, output, log):
        self.wait(job, lambda state: output.with_name(f"{output.name}.journal").exists() and telltale.status(output)[0] >= 1, "nothing is done", log)

    def push_out(self, job, folder, log, frozen=False):
        """Has a job of a higher partition take the nodes away; returns that job once the other is queued again. Frozen: its workers stand
        still until they are killed, so that the study does not end before, however slow Slurm is."""
        for pid in self.workers(job) if frozen else []:
            os.kill(pid, signal.SIGSTOP)
        urgent = self("sbatch", "--parsable", "--partition=urgent", "--exclusive", "--nodes=4", "--time=5", f"--output={folder}/urgent", "--wrap", "sleep 1")
        self.wait(job, lambda state: int(state["Restarts"]) >= 1 and state["JobState"] == "PENDING", "it is not pushed out", log)
        return urgent

    def workers(self, job):
        """The processes that compute for a job."""
        found = []
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                variables = (process / "environ").read_bytes().split(b"\0")
                program = os.path.basename(os.readlink(process / "exe"))
            except OSError:
                continue
            if program == "telltale-compute" and f"SLURM_JOB_ID={job}".encode() in variables and f"SLURM_CONF={self.environment['SLURM_CONF']}".encode() in variables:
                found.append(int(process.name))
        return found

    def told(self, telltale, *words):
        """What `telltale submit` says to these words."""
        return telltale("submit", *words, environment={name: self.environment[name] for name in ("SLURM_CONF", "TELLTALE")})

    def job(self, job):
        """What Slurm knows of a job, by name."""
        shown = self("scontrol", "show", "--oneliner", "job", job)
        return dict(word.split("=", 1) for word in shown.split() if "=" in word)

    def wait(self, job, until, what, log):
        end = time.monotonic() + SAFETY_NET_S
        while not until(state := self.job(job)):
            assert time.monotonic() < end, f"{what}: {state}\n{log.read_text() if log.exists() else 'no log'}"
            time.sleep(0.2)
        return state

    def hasten(self, job):
        """A job that was queued again waits for two minutes: here for seconds. In the second in which its last start ended, nodes refuse it."""
        self("scontrol", "update", f"jobid={job}", "starttime=now+4", check=False)

    def finish(self, job, log):
        """Waits until a job is over; what Slurm knows of it then."""
        over = ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "BOOT_FAIL", "DEADLINE", "OUT_OF_MEMORY")
        return self.wait(job, lambda state: state["JobState"] in over, "the job does not end", log)
