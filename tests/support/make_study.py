#!/usr/bin/env python3
"""make_study.py NAME FOLDER: makes a small finished study that tests look at, once for all of them (a CTest fixture)."""

import os
import pathlib
import shutil
import sys

from studies import TooFewEnvironments, make_study
from telltale_runs import Telltale

name, folder = sys.argv[1], pathlib.Path(sys.argv[2])
shutil.rmtree(folder, ignore_errors=True)
folder.mkdir(parents=True)
try:
    make_study(Telltale(os.environ["TELLTALE"]), name, folder)
except TooFewEnvironments as reason:
    print(f"{name} is not made, and tests that look at it are skipped: {reason}")
