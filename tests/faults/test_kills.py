"""Seven kills each of the coordinator, of a worker and of mpirun itself; `./run kills 20` does more, at 8 s each."""

import os
import pathlib
import re
import subprocess
import sys

KILLS = 7


def test_killed_studies_lose_nothing_and_end_with_the_same_bits():
    script = pathlib.Path(__file__).with_name("kills.py")
    done = subprocess.run([sys.executable, "-B", script, "--telltale", os.environ["TELLTALE"], "--kills", str(KILLS)],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    print(done.stdout)
    assert done.returncode == 0
    for who in ("coordinator", "worker", "mpirun"):
        assert len(re.findall(rf"^kill +\d+ of {3 * KILLS}, {who} *:", done.stdout, re.MULTILINE)) == KILLS
    assert f"{3 * KILLS} kills" in done.stdout.splitlines()[-1]
