"""docs/reproduction: the pages of evidence are those that the program makes from the results files kept beside them."""

import lzma
import pathlib
import re

import pytest

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"
KEPT = sorted((DOCS / "reproduction").glob("*.h5.xz"))


@pytest.fixture(scope="module")
def made(telltale, tmp_path_factory):
    """The pages, made anew."""
    folder = tmp_path_factory.mktemp("evidence")
    for file in KEPT:
        (folder / file.stem).write_bytes(lzma.decompress(file.read_bytes()))
    docs = folder / "docs" / "reproduction"
    docs.mkdir(parents=True)
    for page in (DOCS / "reproduction").glob("*.md"):
        (docs / page.name).touch()  # those without results are named
    done = telltale("page", folder, "-o", docs.parent)
    assert done.code == 0, done.text
    return docs.parent


def without_figures(page):
    return re.sub(r"<!-- figures:.*?end of figures -->\n\n", "", page.read_text(), flags=re.S)


def test_the_overview_is_the_one_that_the_program_makes(made):
    assert (DOCS / "reproduction.md").read_text() == (made / "reproduction.md").read_text(), "./run reproduce --page"


@pytest.mark.parametrize("kept", KEPT, ids=lambda file: file.name.removesuffix(".h5.xz"))
def test_the_page_of_a_study_is_the_one_that_the_program_makes(made, kept):
    name = kept.name.replace(".h5.xz", ".md")
    assert without_figures(DOCS / "reproduction" / name) == (made / "reproduction" / name).read_text(), "./run reproduce --page"
