#!/usr/bin/env python3
"""Makes the small finished study that the tests look at, in a folder: once for all of them (a CTest fixture)."""

import os
import pathlib
import shutil
import sys

from studies import make_finished_study
from telltale_runs import Telltale

folder = pathlib.Path(sys.argv[1])
shutil.rmtree(folder, ignore_errors=True)
folder.mkdir(parents=True)
make_finished_study(Telltale(os.environ["TELLTALE"]), folder)
