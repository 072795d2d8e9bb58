"""plan, status, verify, report and probe, as a person would check them; and that --help tells every key."""

import csv
import io
import json
import pathlib
import re
import shutil
import signal
import time

import h5py
import pytest

from studies import SMALL_STUDY
from telltale_runs import ALL_DONE, STOPPED_EARLY, wait_for_progress, write_job

# Of SMALL_STUDY: 3 schemes x 2 alphas x 2 repeats = 12 points, of which the clean network's two alphas share a training;
# each evaluated once and pruned at one rate above zero in two scopes.
CASES = 12 * 2 * 2
TRAININGS = 4 + 4 + 2
EVALUATIONS = 12
PRUNED = 24


def rows(text, name):
    return [line.split()[1:] for line in text.splitlines() if line.split()[:1] == [name]]


# ---- plan

def test_plan_shows_axes_cases_and_tasks_and_runs_nothing(telltale, finished_study, tmp_path):
    planned = telltale("plan", finished_study.job, "--profiles", "best,others:1", ranks=3, cwd=tmp_path)
    assert planned.code == ALL_DONE, planned.text
    assert rows(planned.out, "scheme") == [["3", "new-label,", "noise-backdoor,", "clean"]]
    assert rows(planned.out, "alpha") == [["2", "0.01,", "0.05"]]
    assert rows(planned.out, "pruning_rate") == [["2", "0,", "0.5"]]
    assert rows(planned.out, "repeat") == [["2", "0,", "1"]]
    assert rows(planned.out, "cases") == [[str(CASES)]]
    for kind, count in (("train", TRAININGS), ("evaluate", EVALUATIONS), ("prune", PRUNED), ("predict", 4)):
        assert [row[:2] for row in rows(planned.out, kind)] == [[str(count), "0"]], kind
    assert "glyphs: 400 training and 100 test images" in planned.out and "generated, seed 1" in planned.out
    assert planned.out.count("trains and queries") == 1 and re.search(r"estimate +about \d+:\d\d on the 1 rank here", planned.out)
    assert list(tmp_path.iterdir()) == []


def test_plan_shows_what_is_there_already(telltale, finished_study):
    planned = telltale("plan", finished_study.job, "-o", finished_study.output, "--profiles", "best")
    assert planned.code == ALL_DONE, planned.text
    assert rows(planned.out, "all")[0][:2] == [str(TRAININGS + EVALUATIONS + PRUNED + 4)] * 2
    assert rows(planned.out, "all")[0][3] == "0:00"


def test_plan_takes_ranges_and_the_command_line_wins(telltale, finished_study):
    planned = telltale("plan", finished_study.job, "--alpha", "0.01:0.1:0.01", "--beta", "0.0001:0.01:log3", "--repeats", "1", "--scheme=clean",
                       "--predict_images", "0")
    assert planned.code == ALL_DONE, planned.text
    assert rows(planned.out, "alpha")[0][0] == "10" and planned.out.count("0.1\n") == 1
    assert rows(planned.out, "beta") == [["3", "0.0001,", "0.001,", "0.01"]]
    assert [row[:2] for row in rows(planned.out, "train")] == [["1", "0"]]


# ---- status

def test_status_of_a_finished_study(telltale, finished_study):
    status = telltale("status", finished_study.output)
    assert status.code == ALL_DONE
    total = TRAININGS + EVALUATIONS + PRUNED + 4
    assert f"{total} of {total} done, 0 failed, 0 open" in status.out
    assert "A small study" in status.out and "1 start\n" in status.out and "not running" in status.out
    assert f"published  {finished_study.output}" in status.out


def test_status_while_it_runs_and_after_it_was_killed(telltale, tmp_path):
    job, output = write_job(tmp_path / "x.ini", experiment="empty", tasks=20000, task_seconds=0.05), tmp_path / "x.h5"
    process = telltale.start("run", job, "-o", output, "--publish-interval", "0.5", ranks=3)
    try:
        assert wait_for_progress(process, output, lambda told: told["done"] >= 30)
        running = telltale("status", output)
        assert running.code == ALL_DONE, "while it runs there is nothing to do about it"
        assert f"now        running: pid {process.ranks()[0]} on host" in running.out
        assert re.search(r"running +\d+ tasks; [\d.]+ tasks/s, \d+:\d\d left", running.out), running.out
        done = int(rows(running.out, "tasks")[0][0])
        assert 30 <= done < 20000
        # Analysis can start: a partial results file is there before the end.
        published = 0
        while published == 0 and process.running():
            time.sleep(0.01)
            if output.exists():
                with h5py.File(output) as partial:
                    assert partial.attrs["complete"] == 0
                    published = partial.attrs["tasks_done"]
        assert published >= 1
        process.signal(signal.SIGKILL)
        process.wait_until_gone()
    finally:
        process.end()
    killed = telltale("status", output)
    assert killed.code == STOPPED_EARLY and "now        not running" in killed.out
    assert int(rows(killed.out, "tasks")[0][0]) >= done
    assert re.search(r"rate +[\d.e+]+ tasks/s in the last start; at that rate \d+:\d\d left", killed.out), killed.out
    assert re.search(r"last +committed \d+:\d\d ago", killed.out)


# ---- verify

def test_verify_of_a_whole_study(telltale, finished_study):
    verified = telltale("verify", finished_study.output)
    assert verified.code == ALL_DONE
    assert "0 damages" in verified.out and f"{TRAININGS} as written" in verified.out
    assert verified.out.splitlines()[-1] == "everything is there and as it was written"


def test_verify_finds_artifacts_elsewhere_when_told(telltale, finished_study, tmp_path):
    shutil.copytree(finished_study.folder, tmp_path / "copy")
    (tmp_path / "copy/artifacts").rename(tmp_path / "models")
    away = telltale("verify", tmp_path / "copy/x.h5")
    assert away.code == 1 and away.out.count("missing    model") == TRAININGS and f"{TRAININGS} faults" in away.out
    assert telltale("verify", tmp_path / "copy/x.h5", "--artifacts", tmp_path / "models").code == ALL_DONE


# ---- report

def percent(value):
    return f"{100 * value:.2f}"


def test_report_shows_the_means_of_the_results_file(telltale, finished_study):
    report = telltale("report", finished_study.output)
    assert report.code == ALL_DONE
    with h5py.File(finished_study.output) as file:
        train = file["train"]
        accuracy = train["accuracy"][()].mean(axis=-1)  # over the repeats, the innermost dimension
        keys = train["key_accuracy"][()].mean(axis=-1)
        shown = [row for row in rows(report.out, "new-label") if row[:3] == ["variance", "0.05", "0.1"]]
        assert train["scheme"][0] == b"new-label" and train["alpha"][1] == 0.05
        assert shown[0][3] == percent(accuracy[0, 0, 1, 0]) and shown[0][6] == percent(keys[0, 0, 1, 0])
    assert "glyphs (generated" in report.out and "no reproduction of the paper" in report.out
    assert "Which environments fall together" in report.out


def test_report_as_csv_is_read_by_pythons_csv(telltale, finished_study):
    report = telltale("report", finished_study.output, "-f", "csv")
    assert report.code == ALL_DONE
    tables = {}
    for row in csv.reader(io.StringIO(report.out, newline=""), strict=True):
        tables.setdefault(row[0], []).append(row[1:])
    grid = next(table for title, table in tables.items() if title.startswith("Accuracy over the grid"))
    assert grid[0][:4] == ["scheme", "reading", "alpha", "beta"]
    assert len(grid) == 1 + 6 and all(len(row) == len(grid[0]) for row in grid)
    assert [row[:4] for row in grid[1:3]] == [["new-label", "variance", "0.01", "0.1"], ["new-label", "variance", "0.05", "0.1"]]
    prune = next(table for title, table in tables.items() if title.startswith("Pruning"))
    assert len(prune) == 1 + 3 * 2 * 2


def test_report_as_markdown_has_tables_of_equal_width(telltale, finished_study):
    report = telltale("report", finished_study.output, "--format", "markdown")
    assert report.code == ALL_DONE
    assert "\n## Accuracy over the grid" in report.out
    tables = re.findall(r"(?:^\|.*\n)+", report.out, re.MULTILINE)
    assert len(tables) >= 4
    for table in tables:
        lines = table.splitlines()
        assert len({line.count("|") for line in lines}) == 1, table
        assert set(lines[1]) <= set("|- ")


def test_report_of_a_study_that_is_not_complete_says_so(telltale, tmp_path):
    job = write_job(tmp_path / "x.ini", **{**SMALL_STUDY, "scheme": "clean", "predict_images": 0, "prune_rate": [], "epochs": 1000})
    stopped = telltale("run", job, "-o", tmp_path / "x.h5", "--task-time-limit", "0.3", "--retries", "0")
    assert stopped.code == 1, stopped.text
    report = telltale("report", tmp_path / "x.h5")
    assert report.code == ALL_DONE and "Not complete" in report.out and "0 done, 6 failed" in report.out.replace("  ", " "), report.out


# ---- probe

def test_probe_shows_every_rank_and_what_falls_together(telltale):
    probed = telltale("probe", "--profiles", "best:2,others:1", ranks=3)
    assert probed.code == ALL_DONE, probed.text
    table = [line.split() for line in probed.out.splitlines() if re.match(r" +\d+  ", line)]
    assert [row[0] for row in table] == ["0", "1", "2"]
    assert table[0][2] == table[1][2] and table[0][-1] == table[1][-1], "two ranks of one profile have different fingerprints"
    groups = re.findall(r"^  ranks ([\d,]+)  \(environment [0-9a-f]{12}\)", probed.out, re.MULTILINE)
    if table[2][-1] == table[0][-1]:
        assert groups == ["0,1,2"]  # a CPU that can run nothing else, or whose other profile has the same bits (Zen 3)
    else:
        assert groups == ["0,1", "2"] and "by operation:" in probed.out


def test_probe_as_json_holds_the_whole_passport(telltale):
    probed = telltale("probe", "--json", "--profiles", "native")
    assert probed.code == ALL_DONE
    (rank,) = json.loads(probed.out)
    passport = rank["passport"]
    assert rank["rank"] == 0 and passport["profile"] == "native"
    assert passport["cpu"]["brand"] and passport["cpu"]["flags"] and passport["system"]["host"]
    assert {"openblas", "onednn", "aten"} <= passport["kernels"].keys()
    assert rank["fingerprints"]["repeats"] is True
    hashes = rank["fingerprints"]["by_subject"].values()
    assert hashes and all(re.fullmatch(r"[0-9a-f]{64}", value) for value in hashes)


# ---- help

def test_the_program_lists_its_commands_and_exit_codes(telltale):
    for how in ((), ("--help",), ("help",)):
        told = telltale(*how)
        assert told.code == ALL_DONE
        for command in ("probe", "plan", "run", "status", "verify", "report", "export", "identify"):
            assert f"telltale {command} " in told.out
        assert "0 all done; 1 some cases failed; 2 unusable input; 3 stopped early" in told.out
    assert re.match(r"\d+\.\d+\.\d+ \(", telltale("--version").out)


@pytest.mark.parametrize("command", ["run", "plan", "probe"])
def test_help_shows_every_key_with_its_type_range_and_default(telltale, command):
    told = telltale(command, "--help")
    assert told.code == ALL_DONE and told.err == ""
    text = re.sub(r"\s+", " ", told.out)
    # The reference page is made from the same table; each of its keys has to be here.
    page = (pathlib.Path(__file__).resolve().parents[2] / "docs/job-files.md").read_text(encoding="utf-8")
    keys = re.findall(r"^\| `([a-z-]+)` \|", page, re.MULTILINE)
    assert len(keys) > 40
    for key in keys:
        described = re.search(rf" --{key} \.\.\. (.*?)(?= --[a-z-]+ \.\.\. | Keys |$)", text)
        assert described, f"{key} is not in the help of {command}"
        assert re.search(r"\[(text|yes or no|one of |integer, |number, ).*; default .+\]", described.group(1)), described.group(0)
    assert "--epochs ... (new-label, compare, boundary, backdoor, aime, anti-piracy, ownership) passes over the training data [integer, 1 to 100000; a list; default 50]" in text
    assert "--learning-rate ... (new-label, compare, boundary, backdoor, aime, anti-piracy, ownership) step size at the start [number, above 0 to 1000; a list; default 0.01]" in text
    # A key of several experiments, each with its own meaning.
    assert "--clip ... (anti-piracy) what the transform makes is clipped" in text
    assert "(new-label, ownership) keep key samples in [0,1]" in text and "(boundary) keep boundary samples in [0,1]" in text


@pytest.mark.parametrize("command, options", [("status", []), ("verify", ["--artifacts"]), ("report", ["-f [ --format ]", "text (default), markdown or csv"]),
                                              ("export", ["--redundancy", "default 3", "manifest.csv"]),
                                              ("identify", ["--confidence", "default 0.99", "Exit codes: 0 one machine was identified"])])
def test_help_of_the_other_commands_shows_their_options_and_no_keys(telltale, command, options):
    told = telltale(command, "--help")
    assert told.code == ALL_DONE and told.out.startswith(f"usage: telltale {command} RESULTS.h5")
    assert all(option in told.out for option in options) and "--epochs" not in told.out
