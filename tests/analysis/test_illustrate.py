"""The page of evidence gets its figures."""

import re

import pytest

import telltale
from conftest import ANALYSIS
from telltale.illustrate import illustrate


@pytest.fixture
def page(request, study_files, tmp_path):
    """The page of two studies, as the program makes it."""
    program = request.getfixturevalue("telltale")
    for name in ("small", "aime"):
        (tmp_path / f"{name}.h5").symlink_to(study_files[name])
    (tmp_path / "page.md").write_text(program("page", tmp_path).out)
    return tmp_path / "page.md"


def test_each_section_shows_the_papers_figures_of_its_study(page):
    studies = [telltale.open(page.parent / f"{name}.h5") for name in ("small", "aime")]
    before = page.read_text()
    files = illustrate(page, studies)
    text = page.read_text()
    assert re.findall(r"\]\(figures/(.+?)\)", text) and {f"figures/{one.name}" for one in files} == set(re.findall(r"\]\((figures/.+?)\)", text))
    section = text[text.index("# A small study\n"):]
    assert section.index("## How it was run") < section.index("figures/small-new-label-fig3.svg") < section.index("## ", section.index("end of figures"))
    assert all(file.read_text().startswith("<svg") for file in files)
    # Nothing else has changed, and a second time changes nothing at all.
    assert re.sub(r"<!-- figures:.*?end of figures -->\n\n", "", text, flags=re.S) == before
    illustrate(page, studies[:1])
    assert page.read_text() == text


def test_a_study_that_the_page_does_not_have_is_refused(page, study_files):
    with pytest.raises(telltale.ResultsError, match="no section"):
        illustrate(page, [telltale.open(study_files["boundary"])])


def test_every_figure_of_the_pages_of_this_repository_is_there():
    docs = ANALYSIS.parent / "docs"
    for one in docs.glob("*.md"):
        for link in re.findall(r"\]\((figures/[^)]+)\)", one.read_text()):
            assert (docs / link).is_file(), f"{one.name}: {link}"
