"""`telltale validate` where a node does not see the folder."""

import subprocess

import pytest

from telltale_runs import SOME_FAILED, start_one_otherwise


def test_a_folder_that_one_node_does_not_see_is_named_as_missing(telltale, tmp_path):
    # A rank whose own mount hides the folder, as on a node where it is a local disk.
    hidden = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs tmpfs "$2" && exec "$0" "$1" "$2"']
    if subprocess.run([*hidden, "true", "-", tmp_path], capture_output=True, check=False).returncode != 0:
        pytest.skip("mount namespaces are not allowed here")
    validate = [telltale.path, "validate", tmp_path]
    done = start_one_otherwise(3, validate, [*hidden, *validate]).finish()
    assert done.code == SOME_FAILED, done.text
    assert "MISSING  the folder is not shared: " in done.text, done.text
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_refused(telltale, tmp_path):
    done = telltale("validate", tmp_path / "none", ranks=2)
    assert done.code == 2 and f"cannot write {tmp_path}/none/.telltale-validate-" in done.err, done.text
