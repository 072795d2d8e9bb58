"""What it means that bad input is refused: the exit code, a message, and a folder in which nothing has changed."""

import pathlib

from telltale_runs import UNUSABLE_INPUT

# Tasks that only sleep: for what has nothing to do with networks.
SLEEPS = dict(experiment="empty", tasks=200, task_seconds=0.02)


def snapshot(folder):
    """Every file under a folder with its bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(pathlib.Path(folder).rglob("*")) if path.is_file()}


def assert_refused(finished, *words):
    assert finished.code == UNUSABLE_INPUT, f"exit code {finished.code}: {finished.text}"
    assert finished.out == ""
    for word in words:
        assert word in finished.err, f"'{word}' is not in: {finished.err}"
