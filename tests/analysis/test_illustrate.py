"""The pages of evidence get their figures."""

import re
import subprocess
import sys

import pytest

import telltale
from conftest import ANALYSIS
from telltale.illustrate import illustrate


@pytest.fixture
def pages(request, study_files, tmp_path):
    """The pages of two studies, as the program makes them."""
    program = request.getfixturevalue("telltale")
    results = tmp_path / "results"
    results.mkdir()
    for name in ("small", "aime"):
        (results / f"{name}.h5").symlink_to(study_files[name])
    program("page", results, "-o", tmp_path / "docs")
    return tmp_path / "docs" / "reproduction"


def test_the_page_of_a_study_shows_the_papers_figures_and_ours_but_none_of_the_run(pages, study_files):
    study, page = telltale.open(pages.parents[1] / "results" / "small.h5"), pages / "small.md"
    before = page.read_text()
    files = illustrate(page, study)
    text = page.read_text()
    assert re.findall(r"\]\(figures/(.+?)\)", text) and {f"figures/{one.name}" for one in files} == set(re.findall(r"\]\((figures/.+?)\)", text))
    assert text.index("## How it was run") < text.index("figures/small-new-label-fig3.svg") < text.index("## ", text.index("end of figures"))
    assert "figures/small-new-label-queries.svg" in text and "small-run-" not in text
    assert all(file.read_text().startswith("<svg") for file in files)
    # Nothing else has changed, and a second time changes nothing at all.
    assert re.sub(r"<!-- figures:.*?end of figures -->\n\n", "", text, flags=re.S) == before
    illustrate(page, study)
    assert page.read_text() == text


def test_a_figure_that_a_study_no_longer_has_leaves_its_page(pages):
    study, page = telltale.open(pages.parents[1] / "results" / "small.h5"), pages / "small.md"
    illustrate(page, study)
    gone = pages / "figures" / "small-gone.svg"
    gone.write_text("<svg/>")
    page.write_text(page.read_text().replace("<!-- end of figures", "![](figures/small-gone.svg)\n\n<!-- end of figures"))
    illustrate(page, study)
    assert not gone.exists() and "small-gone" not in page.read_text()


def test_a_study_without_a_page_is_refused(pages, study_files):
    done = subprocess.run([sys.executable, "-m", "telltale", "illustrate", pages, study_files["boundary"]], cwd=ANALYSIS, capture_output=True, text=True,
                          timeout=600)
    assert done.returncode == 2 and str(pages / "x.md") in done.stderr, done.stderr


def test_every_figure_of_the_pages_of_this_repository_is_there():
    docs = ANALYSIS.parent / "docs"
    for page in docs.rglob("*.md"):
        for link in re.findall(r"\]\(((?:reproduction/)?figures/[^)]+)\)", page.read_text()):
            assert (page.parent / link).is_file(), f"{page.name}: {link}"
