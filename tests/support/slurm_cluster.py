"""A Slurm cluster of four nodes on this machine (slurm/local-cluster), as tests speak to it."""

import pathlib
import subprocess
import time

from telltale_runs import clean_environment

REPOSITORY = pathlib.Path(__file__).parents[2]
LOCAL_CLUSTER = REPOSITORY / "slurm" / "local-cluster"
STUDY = REPOSITORY / "slurm" / "study.sbatch"
NODES = ("haswell", "skylake", "zen", "zen")  # the feature of each
SAFETY_NET_S = 400


class Slurm:
    def __init__(self, folder, telltale):
        self.environment = clean_environment(SLURM_CONF=str(folder / "slurm.conf"), TELLTALE=telltale.path)

    def __call__(self, *words, check=True):
        done = subprocess.run(list(map(str, words)), env=self.environment, text=True, capture_output=True, timeout=60)
        assert not check or done.returncode == 0, f"{' '.join(map(str, words))}\n{done.stdout}{done.stderr}"
        return done.stdout.strip()

    def submit(self, *words, log, nodes=4, minutes=10, script=STUDY, options=()):
        """The id of a job of study.sbatch."""
        return self("sbatch", "--parsable", f"--nodes={nodes}", f"--time={minutes}", f"--output={log}", *options, script, *words)

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
