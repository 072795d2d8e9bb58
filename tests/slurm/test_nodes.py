"""What is per node (who shares memory, where data are loaded, host names, notes of crashes), with ranks on several nodes, under srun and under mpirun."""

import itertools
import os
import signal
import time

import pytest

from telltale_runs import progress, write_job

RANKS_A_NODE = 2


@pytest.fixture(params=["srun", "mpirun"])
def launch(request, slurm, tmp_path):
    """Runs a command as two ranks on each of the four nodes; returns what was printed. AssertionError unless all goes well."""
    def run(*words):
        shape = ("--nodes=4", f"--ntasks-per-node={RANKS_A_NODE}", "--time=10")
        if request.param == "srun":
            return slurm.srun(*shape, *words)
        return slurm("salloc", *shape, "mpirun", *words)
    return run


def test_ranks_share_and_talk_over_nodes_as_on_one(launch):
    launch(os.environ["TEST_CLUSTER_RANKS"], "--gtest_filter=-Stuck.*:Waiting.*", "--gtest_brief=1")


def test_a_site_of_four_nodes_is_seen_as_such(launch, slurm, tmp_path):
    said = launch(slurm.environment["TELLTALE"], "validate", tmp_path)
    assert "ok       8 ranks started on 4 nodes" in said and "ok       all nodes share the folder" in said, said
    assert [line.split()[1] for line in said.splitlines()[1:9]] == ["n1", "n1", "n2", "n2", "n3", "n3", "n4", "n4"]


def test_a_rank_that_crashes_on_another_node_leaves_its_note_for_the_next_start(slurm, telltale, tmp_path):
    job = write_job(tmp_path / "x.ini", experiment="empty", tasks=3, task_seconds=20)
    for start in itertools.count():
        output, log = tmp_path / f"x-{start}.h5", tmp_path / f"log-{start}"
        number = slurm.submit(job, output, log=log, nodes=2)
        slurm.wait(number, lambda state: (progress(output) or {"running": 0})["running"] >= 1, "nothing runs", log)
        # "Running" is what the coordinator handed out: the rank begins it a little later, and a crash outside of any task leaves no note.
        time.sleep(0.3)
        # The rank on the second node: the one that is not this job's first.
        for pid in ranks_of(output, number, 1):
            os.kill(pid, signal.SIGSEGV)
        slurm.wait(number, lambda state: int(state["Restarts"]) >= 1 or state["JobState"] != "RUNNING", "it does not end", log)
        slurm("scancel", number, check=False)
        if any(note.stat().st_size > 0 for note in tmp_path.glob(f"{output.name}.crash*")):
            return


def ranks_of(output, job, rank):
    """The process ids of a rank of a job that mpirun started."""
    found = []
    for entry in os.listdir("/proc"):
        try:
            words = open(f"/proc/{entry}/cmdline", "rb").read().split(b"\0")
            variables = open(f"/proc/{entry}/environ", "rb").read().split(b"\0")
        except OSError:
            continue
        if str(output).encode() in words and f"SLURM_JOB_ID={job}".encode() in variables and f"OMPI_COMM_WORLD_RANK={rank}".encode() in variables:
            found.append(int(entry))
    return found
