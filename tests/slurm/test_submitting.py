"""`telltale submit`: from a job file to jobs of a real Slurm, and what becomes of those that end before all is done."""

import re

import h5py
import pytest

from slurm_cluster import STUDY
from telltale_runs import ALL_DONE, SOME_FAILED, UNUSABLE_INPUT, assert_equal_results, contents, write_job

SITE = """time = 10
[nodes haswell]
microarchitecture = no such CPU
[nodes skylake]
[nodes zen]
"""
MIXED = ("--nodes", "haswell:1,skylake:1,zen:2")
# Begins a study when its minute is nearly over: whatever the machine, there is no time for it. The next start finds the mark.
LATE = f"""#!/bin/bash
#SBATCH --open-mode=append
if [ ! -e "$2.late" ]; then
  touch "$2.late"
  end=$(SLURM_TIME_FORMAT=%s squeue -h -j $SLURM_JOB_ID -o %e)
  sleep $((end - $(date +%s) - 12))
fi
exec {STUDY} "$@"
"""
DIES_AT_ONCE = f"""#!/bin/bash
#SBATCH --open-mode=append
[ -e "$2.died" ] || {{ touch "$2.died"; kill -KILL $$; }}
exec {STUDY} "$@"
"""


def write(path, text):
    path.write_text(text)
    return path


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return write(tmp_path_factory.mktemp("site") / "site.ini", SITE)


def submit(slurm, telltale, *words):
    """The ids of the study's jobs, and what was said."""
    done = slurm.told(telltale, *words)
    assert done.code == ALL_DONE, done.text
    return re.search(r"to cancel it: scancel ([\d ]+)", done.out).group(1).split(), done.out


def submit_until_launched(slurm, telltale, job, output, *words):
    """The same, once the first job is there: under heavy load Slurm can fail to launch one at all, and the one behind it takes over. Then anew."""
    log = output.with_name(f"{output.name}.log")
    while True:
        jobs, _ = submit(slurm, telltale, job, "-o", output, *words)
        state = slurm.wait(jobs[0], lambda state: state["Reason"] == "JobLaunchFailure" or log.exists() and "== start" in log.read_text(),
                           "it does not start", log)
        if state["Reason"] != "JobLaunchFailure":
            return jobs
        slurm("scancel", *jobs)
        for number in jobs:
            slurm.finish(number, log)
        for left in output.parent.glob(f"{output.name}*"):
            left.unlink()


@pytest.fixture(scope="module")
def late(slurm, telltale, job, profiles, tmp_path_factory):
    """Two studies that a minute is too short for, begun beside all other tests: one is queued again, one has a job behind it."""
    folder = tmp_path_factory.mktemp("late")
    words = ("--nodes", "4", "--time", "1")
    # Three workers sleep for 60 s in all: on no machine is that done in a minute, of which 10 s are kept for stopping.
    sleeps = write_job(folder / "sleeps.ini", experiment="empty", tasks=90, task_seconds=2)
    again = submit_until_launched(slurm, telltale, sleeps, folder / "again.h5", *words)
    behind, _ = submit(slurm, telltale, job, "-o", folder / "behind.h5", "--profiles", profiles, *words,
                       "--script", write(folder / "late.sbatch", LATE), "--site", write(folder / "site.ini", "requeue = no\n"))
    return folder, again, behind


@pytest.fixture(scope="module", autouse=True)
def begin_the_late_ones_first(late):
    return late


def test_a_site_is_looked_at_and_what_is_missing_is_named(slurm, telltale, site, tmp_path):
    looked = slurm.told(telltale, "--validate", "-o", tmp_path / "x.h5", "--site", site, *MIXED)
    assert looked.code == SOME_FAILED, looked.text
    for line in ("ok       4 ranks started on 4 nodes", "ok       all nodes share the folder", "ok       locks (flock) hold between the nodes",
                 "MISSING  asked for 1 node of no such CPU, and there are none: n1 ("):
        assert line in looked.out, looked.out
    assert re.search(r"^ +3  n4 ", looked.out, re.M) and "memory a rank" in looked.out
    assert {path.name for path in tmp_path.iterdir()} == {"telltale-validate.sbatch", "telltale-validate.log"}


def test_a_dry_run_shows_everything_and_does_nothing(slurm, telltale, site, job, tmp_path):
    shown = slurm.told(telltale, job, "-o", tmp_path / "a b.h5", "--site", site, *MIXED, "--dry-run")
    assert shown.code == ALL_DONE
    assert "'--constraint=[haswell*1&skylake*1&zen*2]'" in shown.out and f"'{tmp_path}/a b.h5'" in shown.out and STUDY.read_text() in shown.out
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("words, says", [
    (("--nodes", "5", "--test-only"), "Slurm refuses: allocation failure: Requested node configuration is not available"),
    (("--nodes", "5"), "Requested node configuration is not available"),
    (("--nodes", "4", "--site", "partition = none"), "invalid partition specified: none"),
    (("--nodes", "gpu:1", "--site", "[nodes gpu]"), "Slurm refuses: "),
    (("--nodes", "gpu:1"), "the site has no nodes called 'gpu': "),
    (("--nodes", "4", "--site", "colour = red"), "site.ini:1: colour: there is no such key here"),
    (("--nodes", "none:of:these"), "is no whole number"),
    (("--prune-rate", "2"), "--prune-rate"),
])
def test_what_cannot_be_is_refused_in_slurms_words_or_ours(slurm, telltale, job, tmp_path, words, says):
    if "--site" in words:
        at = words.index("--site") + 1
        words = (*words[:at], write(tmp_path / "site.ini", words[at] + "\n"))
    refused = slurm.told(telltale, job, "-o", tmp_path / "x.h5", *words)
    assert refused.code == UNUSABLE_INPUT and says in refused.err, refused.text
    assert not (tmp_path / "x.h5.starts").exists()


def test_a_test_asks_slurm_and_submits_nothing(slurm, telltale, job, tmp_path):
    asked = slurm.told(telltale, job, "-o", tmp_path / "x.h5", "--nodes", "4", "--test-only")
    assert asked.code == ALL_DONE and "to start at" in asked.out, asked.text
    assert not (tmp_path / "x.h5.starts").exists()


def test_a_folder_that_is_not_there_and_a_machine_without_slurm_are_refused(slurm, telltale, job, tmp_path):
    refused = slurm.told(telltale, job, "-o", tmp_path / "none" / "x.h5")
    assert refused.code == UNUSABLE_INPUT and "there is no folder" in refused.err
    refused = telltale("submit", job, "-o", tmp_path / "x.h5", environment={"PATH": str(tmp_path)})
    assert refused.code == UNUSABLE_INPUT and "there is no Slurm here" in refused.err and "mpirun" in refused.err


def test_hostile_names_are_names_and_what_follows_a_study_follows_it(slurm, telltale, tmp_path):
    folder = tmp_path / "$(touch pwned); `touch pwned` 'a' %j"
    folder.mkdir()
    job = write_job(folder / "it's $(touch pwned).ini", experiment="empty", tasks=2, title="$(touch pwned) `touch pwned` '")
    output = folder / "x $(touch pwned).h5"
    then = write(tmp_path / "then.sbatch", '#!/bin/bash\n"$TELLTALE" verify "$1" && cp "$1" "$1.copy"\n')
    jobs, said = submit(slurm, telltale, job, "-o", output, "--then", then)
    assert f"job {jobs[-1]}: {then}, once all is done" in said
    log = folder / f"{output.name}.log"
    assert slurm.finish(jobs[-1], log)["JobState"] == "COMPLETED", log.read_text()
    assert telltale.status(output)[:2] == (2, 2)
    assert contents(f"{output}.copy") == contents(output)
    assert slurm.finish(jobs[1], log)["JobState"] == "CANCELLED", "nothing was left to do for the job behind the study's own"
    assert not list(tmp_path.rglob("pwned"))


def test_a_job_of_several_parts_has_the_same_bits(slurm, telltale, job, profiles, uninterrupted, tmp_path):
    output = tmp_path / "x.h5"
    site = write(tmp_path / "site.ini", "allocation = heterogeneous\nsuccessors = 0\n[nodes haswell]\n[nodes zen]\n[nodes skylake]\n")
    jobs, _ = submit(slurm, telltale, job, "-o", output, "--profiles", profiles, "--nodes", "haswell:1,skylake:1,zen:2", "--site", site, "--time", "10")
    log = tmp_path / "x.h5.log"
    assert slurm.finish(jobs[0], log)["JobState"] == "COMPLETED", log.read_text()
    assert_equal_results(output, uninterrupted)


def test_a_job_that_dies_before_its_first_line_is_followed_by_the_next(slurm, telltale, job, profiles, uninterrupted, tmp_path):
    output = tmp_path / "x.h5"
    site = write(tmp_path / "site.ini", "launcher = srun\n")
    jobs, _ = submit(slurm, telltale, job, "-o", output, "--profiles", profiles, "--nodes", "4", "--site", site,
                     "--script", write(tmp_path / "dies.sbatch", DIES_AT_ONCE))
    log = tmp_path / "x.h5.log"
    assert slurm.finish(jobs[0], log)["JobState"] == "FAILED"
    assert slurm.finish(jobs[1], log)["JobState"] == "COMPLETED", log.read_text()
    assert_equal_results(output, uninterrupted)


def test_starts_that_bring_nothing_come_to_an_end_with_a_reason(slurm, telltale, tmp_path):
    output = tmp_path / "x.h5"
    job = write_job(tmp_path / "x.ini", experiment="empty", tasks=2, time_limit=0.001)
    jobs, _ = submit(slurm, telltale, job, "-o", output, "--site", write(tmp_path / "site.ini", "requeue = no\nsuccessors = 4\n"))
    log = tmp_path / "x.h5.log"
    for number in jobs:
        assert slurm.finish(number, log)["JobState"] == "FAILED", log.read_text()
    text = log.read_text()
    assert text.count("the time limit is reached") == 3 and text.count("3 starts in a row brought not a single new result") == 3, text
    starts = telltale("starts", output, environment={"SLURM_CONF": slurm.environment["SLURM_CONF"]})
    assert starts.out.count("stopped in time") == 3 and "no further start: 3 starts in a row" in starts.out
    assert "starts     no further one: 3 starts in a row" in telltale("status", output).out
    # Whoever submits it again begins anew.
    jobs, _ = submit(slurm, telltale, job, "-o", output, "--time-limit", "0")
    assert slurm.finish(jobs[0], log)["JobState"] == "COMPLETED", log.read_text()


def test_what_is_queued_behind_a_cancelled_job_begins_nothing(slurm, telltale, tmp_path):
    output = tmp_path / "x.h5"
    job = write_job(tmp_path / "x.ini", experiment="empty", tasks=60, task_seconds=2)
    jobs, _ = submit(slurm, telltale, job, "-o", output)
    log = tmp_path / "x.h5.log"
    slurm.wait_for_a_result(telltale, jobs[0], output, log)
    slurm("scancel", jobs[0])
    assert slurm.finish(jobs[0], log)["JobState"] == "CANCELLED"
    assert slurm.finish(jobs[1], log)["JobState"] == "FAILED"
    assert f"job {jobs[0]} was cancelled, and this one was queued behind it" in log.read_text()


def test_a_job_whose_time_ends_in_the_middle_is_queued_again_and_does_the_rest(slurm, telltale, late):
    folder, jobs, _ = late
    log = folder / "again.h5.log"
    slurm.wait(jobs[0], lambda state: int(state["Restarts"]) >= 1, "it is not queued again", log)
    slurm("scontrol", "update", f"jobid={jobs[0]}", "timelimit=10", check=False)
    slurm.hasten(jobs[0])
    assert slurm.finish(jobs[0], log)["JobState"] == "COMPLETED", log.read_text()
    assert "stopped early: " in log.read_text() and "is queued again" in log.read_text()
    starts = telltale("starts", folder / "again.h5", environment={"SLURM_CONF": slurm.environment["SLURM_CONF"]}).out.splitlines()
    assert "stopped in time" in starts[1] and "all done" in starts[2], starts
    done_then, done_since = map(int, starts[2].split()[6:8])
    assert 1 <= done_then < 90 and done_then + done_since == 90
    with h5py.File(folder / "again.h5") as file:
        assert file["empty/index"][()].tolist() == list(range(90))


def test_an_array_of_jobs_is_a_study_each(slurm, telltale, tmp_path):
    jobs = [write_job(tmp_path / f"{name}.ini", experiment="empty", tasks=tasks) for name, tasks in (("a", 2), ("b", 3))]
    (tmp_path / "results").mkdir()
    log = tmp_path / "log-%a"
    number = slurm("sbatch", "--parsable", "--wait", "--array=0-1", "--nodes=1", "--ntasks-per-node=2", "--time=5", f"--output={log}", STUDY,
                   tmp_path / "results", *jobs)
    assert number.isdigit()
    assert [telltale.status(tmp_path / "results" / f"{name}.h5")[:2] for name in "ab"] == [(2, 2), (3, 3)]


def test_where_jobs_are_not_queued_again_the_one_behind_goes_on(slurm, late, uninterrupted):
    folder, _, jobs = late
    log = folder / "behind.h5.log"
    state = slurm.finish(jobs[0], log)
    assert (state["JobState"], state["ExitCode"]) == ("FAILED", "3:0"), log.read_text()
    slurm.wait(jobs[1], lambda state: state["JobState"] != "PENDING", "it does not begin", log)
    slurm("scontrol", "update", f"jobid={jobs[1]}", "timelimit=10", check=False)
    assert slurm.finish(jobs[1], log)["JobState"] == "COMPLETED", log.read_text()
    assert "the time limit is reached" in log.read_text()
    assert_equal_results(folder / "behind.h5", uninterrupted)
