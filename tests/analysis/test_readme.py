"""The five questions of analysis/README.md, asked as it says."""

import re
import subprocess
import sys

import pytest

from conftest import ANALYSIS

README = (ANALYSIS / "README.md").read_text()
QUESTIONS = re.findall(r"^\*\*(.+?\?)\*\*.*?```python\n(.*?)```", README, re.S | re.M)
#: What the reader's files are called, and the small studies that stand for them.
FILES = {"new-label.h5": "small", "backdoor.h5": "backdoor", "anti-piracy.h5": "anti-piracy", "compare.h5": "compare", "boundary.h5": "boundary"}


def test_there_are_five():
    assert len(QUESTIONS) == 5 and all(1 < len(code.splitlines()) <= 7 for _, code in QUESTIONS)


@pytest.mark.parametrize("question, code", QUESTIONS, ids=[question for question, _ in QUESTIONS])
def test_the_lines_answer_the_question(study_files, tmp_path, question, code):
    for name, study in FILES.items():
        (tmp_path / name).symlink_to(study_files[study])
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env={"PYTHONPATH": str(ANALYSIS), "PATH": "/usr/bin:/bin"}, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert re.search(r"\d", done.stdout), f"{question}: {done.stdout!r}"
    assert "NaN" not in done.stdout and "nan" not in done.stdout.splitlines()[0]
