"""Results files of Telltale: labelled arrays, figures, tables and a report, from the HDF5 alone.

    import telltale
    study = telltale.open("x.h5")
    study["train"].accuracy.sel(scheme="new-label").mean("repeat")

Every group of the file is an xarray.Dataset; there is nothing else to learn.
"""

from telltale.repeats import over_repeats
from telltale.results import ResultsError, Study, open

__all__ = ["ResultsError", "Study", "open", "over_repeats"]
