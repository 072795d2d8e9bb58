"""The report: one page that needs no network, can be read without JavaScript, and takes nothing from a results file as markup.

One browser looks at all pages of this file. TELLTALE_AXE names axe.min.js (axe-core) where it is installed.
"""

import base64
import hashlib
import html.parser
import json
import os
import pathlib
import re
import shutil

import h5py
import numpy as np
import pytest
import xarray as xr

import telltale
from chromium import Browser
from telltale import differences
from telltale.figures import all_figures
from telltale.figures.drawing import NothingToDraw
from telltale.report import make_report

SCRIPT = pathlib.Path(telltale.__file__).parent / "report" / "script.js"
HOSTILE = "<script>alert(1)</script>"
TASKS = 100_000


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    one = Browser(tmp_path_factory.mktemp("browser"))
    yield one
    one.close()


class Parsed(html.parser.HTMLParser):
    """Elements with their attributes, and the text outside of script and style."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.texts, self._inside = [], [], None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self._inside = tag

    def handle_endtag(self, tag):
        if tag == self._inside:
            self._inside = None

    def handle_data(self, data):
        if self._inside is None:
            self.texts.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())


def changed(source, path, **attributes):
    """A copy of a results file with other attributes of its root."""
    shutil.copyfile(source, path)
    with h5py.File(path, "r+") as file:
        for name, value in attributes.items():
            file.attrs[name] = value
    return path


def with_group(path, name, group):
    with h5py.File(path, "r+") as file:
        if name in file:
            del file[name]
    group.to_netcdf(path, mode="a", group=name, engine="h5netcdf")


def unfinished(source, path):
    """The same study with a failed task, an open one, a cell that is not there, and published numbers that were measured (the last one: not yet);
    hostile texts wherever a text is."""
    changed(source, path, title=HOSTILE, complete=np.int64(0), tasks_failed=np.int64(1), tasks_open=np.int64(1), job_file=f"# {HOSTILE}\nseed = 1\n",
            git=f'"><img src=x onerror=alert(1)>{HOSTILE}')
    study = telltale.open(source)
    tasks = study["tasks"].copy(deep=True)
    status, reason = (tasks[name].values.astype(object) for name in ("status", "reason"))
    status[0], reason[0], status[1] = "failed", f"bad_alloc {HOSTILE}\x01\u202e", "open"
    with_group(path, "tasks", tasks.assign(status=("task", status), reason=("task", reason)))
    train = study["train"].copy(deep=True)
    train["accuracy"].values[(0,) * train["accuracy"].ndim] = np.nan
    with_group(path, "train", train)
    rows = np.flatnonzero(study["published"]["unit"].values == "1")[:4].astype("int64")
    nothing = np.full(len(rows), np.nan)
    values = study["published"]["value"].values[rows]
    low, high, measured = nothing.copy(), nothing.copy(), nothing.copy()
    measured[:-1], low[:1], high[:1] = values[:-1] - 0.0123, values[:1] - 0.02, values[:1] - 0.004
    repeats = np.array([5] + [1] * (len(rows) - 2) + [0])
    with_group(path, "published/compared", xr.Dataset({
        "row": ("comparison", rows), "setting": ("comparison", np.array(["embed_on keys"] * len(rows), object)), "measured": ("comparison", measured),
        "low": ("comparison", low), "high": ("comparison", high), "repeats": ("comparison", repeats),
        "reason": ("comparison", np.array([f"They contradict each other {HOSTILE}"] + [""] * (len(rows) - 1), object))}))
    return path


@pytest.fixture(scope="module")
def pages(study_files, tmp_path_factory):
    """By name: a page's file. Made once, looked at by all tests: drawing takes most of the time."""
    folder = tmp_path_factory.mktemp("pages")
    sources = {name: pathlib.Path(path) for name, path in study_files.items()}
    one = sources["aime"] if "aime" in sources else next(iter(sources.values()))
    made = {"all": list(sources.values()), "one": [one], "two": [one, unfinished(one, folder / "it's <b> &.h5")]}
    found = {}
    for name, files in made.items():
        found[name] = folder / f"{name}.html"
        found[name].write_text(make_report([telltale.open(file) for file in files]), encoding="utf-8")
    found["source"] = one
    return found


def parsed(path):
    return Parsed(path.read_text(encoding="utf-8"))


PAGES = ("all", "one", "two")


@pytest.mark.parametrize("name", PAGES)
def test_refers_to_nothing_outside(pages, name):
    page = parsed(pages[name])
    for tag, attributes in page.elements:
        for attribute in ("src", "href", "xlink:href", "srcset", "action", "poster", "data"):
            value = attributes.get(attribute, "#")
            assert re.match(r"(#|data:(text/csv|application/gzip|image/png);base64,|data:,$)", value), (tag, attribute, value[:80])
        assert not any(attribute.startswith("on") for attribute in attributes), (tag, attributes)
    assert "@import" not in pages[name].read_text() and not re.search(r"url\((?!['\"]?#)", pages[name].read_text())


@pytest.mark.parametrize("name", PAGES)
def test_anchors_are_there_once(pages, name):
    page = parsed(pages[name])
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids)), [one for one in ids if ids.count(one) > 1][:5]
    wanted = {attributes["href"][1:] for tag, attributes in page.elements if tag == "a" and attributes.get("href", "").startswith("#")}
    assert wanted <= set(ids), wanted - set(ids)


def test_is_the_same_each_time_and_wherever_the_file_lies(pages, tmp_path):
    copy = tmp_path / "elsewhere" / pages["source"].name
    copy.parent.mkdir()
    shutil.copyfile(pages["source"], copy)
    made = make_report([telltale.open(copy)])
    assert made == pages["one"].read_text(encoding="utf-8")
    assert str(tmp_path) not in made and str(pages["source"].parent) not in made


def test_every_figure_is_in_it(study_files, pages):
    page = parsed(pages["all"])
    ids = {attributes.get("id") for tag, attributes in page.elements if tag == "figure"}
    absent = page.text
    assert "could not be drawn" not in page.text
    for path in study_files.values():
        study = telltale.open(path)
        fitting = [kind for kind in all_figures() if kind.fits(study)]
        assert fitting, study
        for kind in fitting:
            assert kind.name in ids or f"{kind.title} ( {kind.name} ): not drawn" in absent, kind.name


def test_figures_carry_their_numbers(pages, study_files):
    study = telltale.open(pages["source"])
    links = {attributes["download"]: attributes["href"] for tag, attributes in parsed(pages["one"]).elements if tag == "a" and "download" in attributes}
    for kind in (kind for kind in all_figures() if kind.fits(study)):
        try:
            data = kind.draw(study).data
        except NothingToDraw:
            continue
        text = base64.b64decode(links[f"{study.name}-{kind.name}.csv"].partition(",")[2]).decode()
        assert text.splitlines()[0] == ",".join(str(one) for one in data.columns) and len(text.splitlines()) == len(data) + 1
        return


def test_fits_its_budgets(pages):
    assert len(SCRIPT.read_bytes()) < 15_000
    assert pages["one"].stat().st_size < 2_000_000


def test_says_what_is_missing_first(pages):
    assert "Nothing failed, nothing is missing." in parsed(pages["one"]).text
    text = parsed(pages["two"]).text
    first = text.index("Failed tasks, by reason")
    assert text.index("All studies of this page") < first < text.index("Open tasks, by kind") < text.index("Cells without a number")
    assert text.index("Cells without a number") < text.index("What was asked, and of which")
    assert "1 failed, 1 open" in text and "bad_alloc" in text


def test_what_files_say_is_text_only(pages):
    page = parsed(pages["two"])
    assert HOSTILE in page.text
    assert "it's <b> &.h5" in page.text
    assert [tag for tag, _ in page.elements].count("script") == 1
    assert not any(tag == "img" and attributes.get("src") == "x" for tag, attributes in page.elements)
    assert not re.search("[\x01\u202e]", pages["two"].read_text())


def test_policy_allows_its_own_script_alone(pages):
    text = pages["two"].read_text()
    script = re.search(r"<script>(.*?)</script>", text, re.DOTALL).group(1)
    assert base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() in text.replace("&#43;", "+").replace("&#x2B;", "+")


def test_tables_of_the_papers(pages, study_files):
    text = parsed(pages["two"]).text
    study = telltale.open(pages["source"])
    row = study["published"].isel(row=int(np.flatnonzero(study["published"]["unit"].values == "1")[0]))
    assert f"{row['paper'].item()}, {row['table'].item()}: published and measured" in text
    assert f"{100 * row['value'].item():.2f} {100 * (row['value'].item() - 0.0123):.2f} -1.23" in text
    assert f"{100 * (row['value'].item() - 0.02):.2f} to {100 * (row['value'].item() - 0.004):.2f} 5" in text


def test_says_what_differs_between_files(pages):
    text = parsed(pages["two"]).text
    assert "What differs: numbers of" in text and "variables (" in text and "are equal in every bit: " in text
    study = telltale.open(pages["source"])
    frame = differences.numbers(study, telltale.open(pages["source"]))
    assert len(frame) and set(frame["state"]) == {"equal"}
    assert not len(differences.machines([study, study])) and not len(differences.settings([study, study])) and not len(differences.programs([study, study]))


def test_differences_are_counted_and_found():
    one = xr.DataArray([[1.0, np.nan], [0.0, 2.0]], dims=("alpha", "repeat"), coords={"alpha": [0.1, 0.2]})
    other = one.copy(data=[[1.0, np.nan], [-0.0, 2.5]])
    found = differences._difference(one, other)
    assert (found["differ"], found["largest"], found["where"], found["state"]) == (2, 0.5, "alpha 0.2, repeat 1", "differs")
    assert differences._difference(one, one.copy())["state"] == "equal"
    assert "alpha" in differences._difference(one, one.assign_coords(alpha=[0.1, 0.3]))["state"]


@pytest.mark.parametrize("name", PAGES)
def test_browser_shows_it_whole(browser, pages, name):
    browser.open(pages[name])
    assert browser.said() == []
    assert browser.value("[...document.querySelectorAll('.drawing > *')].filter(one => one.getBoundingClientRect().height < 20).length") == 0
    assert browser.value("document.querySelectorAll('.drawing svg').length") > 0
    assert browser.value("document.documentElement.scrollWidth") <= 1200


@pytest.mark.parametrize("name", PAGES)
def test_phone_does_not_scroll_sideways(browser, pages, name):
    browser.open(pages[name], width=400)
    assert browser.value("document.documentElement.scrollWidth") <= 400
    assert browser.said() == []


def test_is_read_without_javascript(browser, pages):
    cells = "JSON.stringify([...document.querySelectorAll('main td, main th')].map(one => one.textContent.trim()))"
    shown = "[...document.querySelectorAll('main table, main .drawing svg')].filter(one => one.getBoundingClientRect().height < 8).length"
    with_script = json.loads(browser.open(pages["two"]).value(cells))
    browser.open(pages["two"], script=False)
    try:
        # The browser's own look at the page goes on where the page's scripts do not run.
        assert json.loads(browser.value(cells)) == with_script and len(with_script) > 50
        assert browser.value(shown) == 0
        assert browser.value("document.getElementById('tools').hidden && !document.querySelector('th button')")
    finally:
        browser("Emulation.setScriptExecutionDisabled", value=False)


def test_sorts_filters_and_highlights(browser, pages):
    browser.open(pages["two"])
    column = "[...document.querySelectorAll('#all-studies tbody tr')].map(row => row.cells[5].textContent)"
    head = "document.querySelector('#all-studies th:nth-child(6)')"
    assert browser.value(f"{head}.textContent") == "failed"
    for wanted, order in ((["0", "1"], "ascending"), (["1", "0"], "descending")):
        browser.value(f"{head}.querySelector('button').click()")
        assert browser.value(column) == wanted and browser.value(f"{head}.getAttribute('aria-sort')") == order
    types = """(name, text) => { const box = document.getElementById(name); box.value = text; box.dispatchEvent(new Event('input'));
        return new Promise(done => setTimeout(done, 400)); }"""
    browser.value(f"({types})('filter', 'no such text (')")
    assert browser.value("[...document.querySelectorAll('main tbody tr')].every(row => row.hidden)")
    browser.value(f"({types})('filter', '')")
    assert browser.value("[...document.querySelectorAll('main tbody tr')].every(row => !row.hidden)")
    series = browser.value("document.querySelector('.series').dataset.series")
    browser.value(f"({types})('highlight', {json.dumps('^' + re.escape(series) + '$')})")
    dimmed = browser.value("[...new Set([...document.querySelectorAll('.series:not(.dimmed)')].map(one => one.dataset.series.toLowerCase()))]")
    assert dimmed == [series.lower()]


def test_shows_values_on_hover(browser, pages):
    browser.open(pages["one"])
    place = browser.value("""(() => { const mark = document.querySelector('.drawing .series use title, .drawing .series path title').parentNode;
        mark.scrollIntoView({block: 'center'}); const box = mark.getBoundingClientRect();
        return {x: box.left + box.width / 2, y: box.top + box.height / 2, text: mark.querySelector('title').textContent}; })()""")
    # The scroll's own event, which hides what is shown, comes with the next frame.
    browser.value("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))).then(() => 0)")
    browser("Input.dispatchMouseEvent", type="mouseMoved", x=place["x"], y=place["y"])
    assert not browser.value("document.getElementById('tip').hidden")
    assert browser.value("document.getElementById('tip').textContent")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", ["all", "two"])
def test_accessible(browser, pages, name, dark):
    axe = os.environ.get("TELLTALE_AXE", "")
    if not axe or not pathlib.Path(axe).is_file():
        pytest.skip("TELLTALE_AXE does not name axe.min.js of axe-core (npm install axe-core)")
    browser.open(pages[name], dark=dark)
    browser.value("for (const one of document.querySelectorAll('details')) one.open = true")
    browser.value(pathlib.Path(axe).read_text(encoding="utf-8") + ";0")
    found = browser.value("""axe.run(document, {resultTypes: ['violations']}).then(all => all.violations.map(
        one => [one.id, one.help, one.nodes.length, one.nodes[0].html.slice(0, 200), one.nodes[0].failureSummary]))""")
    assert found == []


def test_page_of_a_hundred_thousand_tasks(browser, pages, tmp_path):
    path = tmp_path / "large.h5"
    changed(pages["source"], path, complete=np.int64(0), tasks_done=np.int64(TASKS - 6000), tasks_failed=np.int64(5000), tasks_open=np.int64(1000))
    study = telltale.open(pages["source"])
    at = np.arange(TASKS) % study["tasks"].sizes["task"]
    tasks, run = study["tasks"].isel(task=at), study["run"].isel(task=at)
    status, reason = (tasks[name].values.astype(object) for name in ("status", "reason"))
    status[:5000], status[5000:6000] = "failed", "open"
    reason[:5000] = [f"rank {one} was killed by signal 9 (out of memory?) on node-{one:04}" for one in range(5000)]
    with_group(path, "tasks", tasks.assign(status=("task", status), reason=("task", reason)))
    finished = run["finished"].values.min() + (np.arange(TASKS) * 37_000_000).astype("timedelta64[ns]")
    with_group(path, "run", run.assign(seconds=("task", np.random.default_rng(1).exponential(30, TASKS)), finished=("task", finished),
                                       rank=("task", np.arange(TASKS, dtype="int32") % 640),
                                       host=("task", np.array([f"node-{one % 400:03}" for one in range(TASKS)], object))))
    page = tmp_path / "large.html"
    page.write_text(make_report([telltale.open(path)]), encoding="utf-8")
    assert page.stat().st_size < 5_000_000
    text = parsed(page).text
    assert "could not be drawn" not in text and "more that differ in numbers" in text
    browser.open(page)
    assert browser.said() == []
