"""What the end-to-end tests share: the program, and small finished studies to look at."""

import os
import pathlib
import resource
import shutil
import tempfile
import types

import pytest

from refusals import assert_refused, snapshot
from studies import TooFewEnvironments, make_study
from telltale_runs import Telltale


@pytest.fixture(scope="session")
def telltale(tmp_path_factory):
    path = os.environ.get("TELLTALE")
    if not path:
        pytest.fail("the environment variable TELLTALE must name the program under test")
    tmp_path_factory.getbasetemp()  # stays where it is
    # Programs that are killed leave temporary files behind. A short name: sockets lie there.
    with tempfile.TemporaryDirectory(prefix="telltale-", ignore_cleanup_errors=True) as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", folder)
        yield Telltale(path)


@pytest.fixture(scope="session")
def finished(telltale, tmp_path_factory):
    """finished(NAME): a small study of support/studies.py that is done: `.job`, `.output`, `.folder`. Not to be changed, not even for a
    moment: others look at it too."""
    made = {}

    def find(name):
        if name not in made:
            # CTest makes one for all (support/make_study.py); a test that is run by hand makes its own.
            folder = pathlib.Path(os.environ.get("TELLTALE_STUDIES", "none")) / name
            if not (folder / "x.h5").exists():
                folder = tmp_path_factory.mktemp(name)
                try:
                    make_study(telltale, name, folder)
                except TooFewEnvironments as reason:
                    pytest.skip(str(reason))
            made[name] = types.SimpleNamespace(job=folder / f"{name}.ini", output=folder / "x.h5", folder=folder)
        return made[name]
    return find


@pytest.fixture(scope="session")
def finished_study(finished):
    """The small study of experiment new-label."""
    return finished("small")


@pytest.fixture
def refused(telltale, tmp_path):
    """Runs a job of the given text and checks that it is refused before anything is written."""
    def check(text, *words, options=(), **how):
        job = tmp_path / "bad.ini"
        job.write_text(text, encoding="utf-8")
        before = snapshot(tmp_path)
        assert_refused(telltale("run", job, "-o", tmp_path / "x.h5", *options, **how), *words)
        assert snapshot(tmp_path) == before, "something was written"
    return check


@pytest.fixture
def study_copy(finished_study, tmp_path):
    """The finished study with everything that belongs to it, to be harmed."""
    shutil.copytree(finished_study.folder, tmp_path / "copy")
    return tmp_path / "copy" / "x.h5"


def pytest_terminal_summary(terminalreporter):
    """What a file of tests costs is mostly what the programs that it starts do: the figure to look at when the suite grows."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    terminalreporter.write_line(f"programs under test used {used.ru_utime + used.ru_stime:.0f} s of processor time")
