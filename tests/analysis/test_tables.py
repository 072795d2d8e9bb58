"""Tables by name: a group's measures, and the papers' numbers beside ours."""

import io

import h5py
import numpy as np
import pandas as pd
import pytest

import telltale
from telltale.__main__ import main
from telltale.tables import beside, table, table_names, to_text


def test_measures_of_a_group_are_means_over_repeats_with_intervals(study_files):
    study = telltale.open(study_files["small"])
    frame = table(study, "train")
    with h5py.File(study_files["small"]) as file:
        stored = file["train/accuracy"][()]
    line = frame[(frame["scheme"] == "new-label") & (frame["alpha"] == 0.05) & (frame["measure"] == "accuracy")].iloc[0]
    assert line["mean"] == pytest.approx(stored[0, 0, 1, 0].mean(), abs=1e-15) and line["n"] == 2
    # Curves and texts are no measures of a case.
    assert not set(frame["measure"]) & {"train_loss", "model_sha256"}


@pytest.mark.parametrize("name", ["aime", "anti-piracy", "backdoor", "boundary", "compare", "small", "twist"])
def test_every_table_that_is_listed_can_be_had_in_every_format(study_files, name, capsys):
    study = telltale.open(study_files[name])
    for one in table_names(study):
        frame = table(study, one)
        read = pd.read_csv(io.StringIO(to_text(frame, "csv"))) if len(frame.columns) else frame
        assert len(read) == len(frame), one
        assert "\\toprule" in to_text(frame.head(3), "latex")
    assert main(["list", str(study_files[name])]) == 0
    listed = capsys.readouterr().out
    assert "run-timeline" in listed and "train" in listed


def test_a_table_that_is_not_there_is_refused_with_those_that_are(study_files, capsys):
    assert main(["table", "trian", str(study_files["small"])]) == 2
    said = capsys.readouterr().err
    assert "no table 'trian': train" in said and "compares nothing with published numbers: generated data" in said


def compared_rows():
    coordinates = [{"dataset": "mnist", "scheme": "content", "pruning_rate": 0.5}, {"dataset": "mnist", "scheme": "noise", "pruning_rate": 0.5}]
    return pd.DataFrame({"paper": "p", "table": "Table 3", "measure": "accuracy", "coordinates": coordinates, "value": [0.9929, 0.9930], "unit": "1", "bound": ["", "above"],
                         "origin": "printed", "repeats": np.nan, "erratum": "", "setting": "prune_scope global", "measured": [0.98, np.nan], "low": [0.97, np.nan],
                         "high": [0.99, np.nan], "n": [3, 0], "reason": ["A misprint.", ""]})


def test_published_numbers_stand_beside_ours_in_percent_with_what_differs_named(study_files):
    frame = beside(compared_rows())
    assert list(frame.columns) == ["measure", "scheme", "unit", "paper", "measured", "difference", "low", "high", "n", "reason"]
    assert frame["paper"].tolist() == ["99.29", "> 99.3"] and frame["unit"].tolist() == ["%", "%"]
    assert frame["difference"][0] == pytest.approx(-1.29) and np.isnan(frame["difference"][1])


def test_comparisons_are_those_that_the_program_reports(study_files, tmp_path, request):
    """E[q] at the measured key accuracy is the one published number that generated data can be beside, if the program says so."""
    program = request.getfixturevalue("telltale")
    for name in ("small", "boundary", "aime"):
        study = telltale.open(study_files[name])
        reported = program("report", study_files[name], "-f", "csv").out
        compared = telltale.published.compared(study)
        for row in compared.itertuples():
            assert f"{100 * row.measured:.2f}" in reported if row.unit == "1" else True
        assert ("difference" in reported) == bool(len(compared)), name
