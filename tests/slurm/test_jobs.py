"""Studies as jobs of a real Slurm of four nodes: every way that such a job can end leads to the same bits."""

import os
import re
import signal

import h5py
import pytest

from slurm_cluster import STUDY
from telltale_runs import assert_equal_results, write_job

def assert_on_different_nodes(output):
    """Rank r ran on node r + 1, and more than one of them computed something."""
    with h5py.File(output) as file:
        placed = {(int(rank), host.decode()) for rank, host in zip(file["run/rank"][()], file["run/host"][()])}
    assert len(placed) > 1 and placed <= {(1, "n2"), (2, "n3"), (3, "n4")}


MIXED = "--constraint=[haswell*1&skylake*1&zen*2]"


def test_a_study_over_four_nodes_of_four_profiles_has_the_bits_of_one_machine(slurm, job, profiles, uninterrupted, tmp_path):
    log = tmp_path / "log"
    number = slurm.submit(job, tmp_path / "x.h5", "--profiles", profiles, log=log, options=[MIXED])
    state = slurm.finish(number, log)
    assert state["JobState"] == "COMPLETED" and state["ExitCode"] == "0:0", log.read_text()
    assert state["NumNodes"] == "4" and state["Restarts"] == "0"
    assert_on_different_nodes(tmp_path / "x.h5")
    assert_equal_results(tmp_path / "x.h5", uninterrupted)


def test_a_study_under_srun_has_the_same_bits(slurm, job, profiles, uninterrupted, tmp_path):
    slurm.srun("--nodes=4", "--ntasks-per-node=1", "--time=10", MIXED, f"--output={tmp_path}/log", slurm.environment["TELLTALE"], "run", job,
               "-o", tmp_path / "x.h5", "--profiles", profiles)
    assert_on_different_nodes(tmp_path / "x.h5")
    assert_equal_results(tmp_path / "x.h5", uninterrupted)


def test_an_end_that_is_moved_while_a_study_runs_is_heard(slurm, telltale, tmp_path):
    log = tmp_path / "log"
    # Three workers sleep for 60 s in all, whatever the machine: longer than the part of its minute in which it may begin something.
    job = write_job(tmp_path / "x.ini", experiment="empty", tasks=90, task_seconds=2)
    number = slurm.submit(job, tmp_path / "x.h5", log=log, minutes=1)
    slurm.wait(number, lambda state: "Slurm ends this job in" in (log.read_text() if log.exists() else ""), "it does not know its end", log)
    slurm("scontrol", "update", f"jobid={number}", "timelimit=10")
    state = slurm.finish(number, log)
    assert state["JobState"] == "COMPLETED" and state["Restarts"] == "0", log.read_text()
    left = int(re.search(r"Slurm ends this job in (\d+) s", log.read_text()).group(1))
    assert left <= 60 and telltale.status(tmp_path / "x.h5")[:2] == (90, 90)


def test_a_job_pushed_out_by_another_goes_on_with_the_same_bits(slurm, telltale, job, profiles, uninterrupted, tmp_path):
    log = tmp_path / "log"
    output = tmp_path / "x.h5"
    number = slurm.submit_and_wait_for_a_result(telltale, job, output, "--profiles", profiles, log=log)
    urgent = slurm.push_out(number, tmp_path, log, frozen=True)
    assert f"slurm      job {number}: PENDING (" in telltale("status", output, environment={"SLURM_CONF": slurm.environment["SLURM_CONF"]}).out
    slurm.finish(urgent, tmp_path / "urgent")
    slurm.hasten(number)
    state = slurm.finish(number, log)
    assert state["JobState"] == "COMPLETED", log.read_text()
    assert f"slurm      job {number}: COMPLETED\n" in telltale("status", output, environment={"SLURM_CONF": slurm.environment["SLURM_CONF"]}).out
    # Where there is no Slurm, the study's own state is told all the same.
    elsewhere = telltale("status", output, environment={"SLURM_CONF": "/nowhere"})
    assert f"slurm      job {number}: not known" in elsewhere.out and "28 of 28 done" in elsewhere.out
    assert_equal_results(output, uninterrupted)


def test_a_job_that_is_cancelled_is_submitted_again_and_ends_with_the_same_bits(slurm, telltale, job, profiles, uninterrupted, tmp_path):
    log = tmp_path / "log"
    output = tmp_path / "x.h5"
    number = slurm.submit_and_wait_for_a_result(telltale, job, output, "--profiles", profiles, log=log)
    slurm("scancel", number)
    assert slurm.finish(number, log)["JobState"] == "CANCELLED"
    done = telltale.status(output)[0]
    assert done >= 1
    number = slurm.submit(job, output, "--profiles", profiles, log=log)
    assert slurm.finish(number, log)["JobState"] == "COMPLETED", log.read_text()
    assert_equal_results(output, uninterrupted)


@pytest.mark.parametrize("launcher, warning, says", [("mpirun", True, "the time limit is reached"), ("srun", False, "stopped by SIGTERM")])
def test_a_job_pushed_out_with_time_to_spare_stops_in_order_and_goes_on(slurm, telltale, tmp_path, launcher, warning, says):
    """Slurm sends the script the warning that it asked for; else all ranks that srun has started SIGTERM. Three workers sleep for 60 s in
    all, whatever the machine: the study is not over before Slurm has decided."""
    log = tmp_path / "log"
    output = tmp_path / "x.h5"
    job = write_job(tmp_path / "x.ini", experiment="empty", tasks=90, task_seconds=2)
    script = tmp_path / "study.sbatch"
    script.write_text(STUDY.read_text() if warning else STUDY.read_text().replace("#SBATCH --signal", "# SBATCH --signal"))
    number = slurm.submit_and_wait_for_a_result(telltale, job, output, log=log, script=script,
                                                options=["--partition=grace", f"--export=ALL,TELLTALE_LAUNCHER={launcher}"])
    urgent = slurm.push_out(number, tmp_path, log)
    slurm.finish(urgent, tmp_path / "urgent")
    slurm.hasten(number)
    state = slurm.finish(number, log)
    assert state["JobState"] == "COMPLETED", log.read_text()
    assert f"stopped early: {says}" in log.read_text()
    with h5py.File(output) as file:
        assert list(file["empty/index"]) == list(range(90))


def test_a_rank_that_dies_ends_its_start_also_under_srun(slurm, telltale, job, profiles, uninterrupted, tmp_path):
    """mpirun ends the others; srun has to be told, or they wait for the dead one: here, for good."""
    log = tmp_path / "log"
    output = tmp_path / "x.h5"
    number = slurm.submit_and_wait_for_a_result(telltale, job, output, "--profiles", profiles, log=log, options=["--export=ALL,TELLTALE_LAUNCHER=srun"])
    for pid in slurm.workers(number):
        os.kill(pid, signal.SIGSTOP)
    os.kill(int(re.search(r"^pid (\d+) ", output.with_name("x.h5.lock").read_text(), re.MULTILINE).group(1)), signal.SIGKILL)
    slurm.wait(number, lambda state: int(state["Restarts"]) >= 1 and state["JobState"] == "PENDING", "it is not queued again", log)
    slurm.hasten(number)
    assert slurm.finish(number, log)["JobState"] == "COMPLETED", log.read_text()
    assert_equal_results(output, uninterrupted)


def test_a_job_whose_node_fails_goes_on_with_the_same_bits(slurm, telltale, job, profiles, uninterrupted, tmp_path):
    log = tmp_path / "log"
    output = tmp_path / "x.h5"
    number = slurm.submit_and_wait_for_a_result(telltale, job, output, "--profiles", profiles, log=log)
    slurm("scontrol", "update", "nodename=n4", "state=down", "reason=test")
    try:
        slurm.wait(number, lambda state: int(state["Restarts"]) >= 1 and state["JobState"] == "PENDING", "it is not queued again", log)
    finally:
        slurm("scontrol", "update", "nodename=n4", "state=resume", check=False)  # it may be back by itself
    slurm.hasten(number)
    state = slurm.finish(number, log)
    assert state["JobState"] == "COMPLETED", log.read_text()
    assert_equal_results(output, uninterrupted)
