"""What the page says of one study."""

from __future__ import annotations

import dataclasses
import math
import re
import shlex
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from typing import Any

import pandas as pd

from telltale import differences, published
from telltale.cells import labels_of, word
from telltale.report import overview
from telltale.report.drawings import Figure, Missing, drawn
from telltale.report.tables import NOTHING, Cell, Column, Ids, Strip, Table, heads, number, percent, plain, shortened
from telltale.results import Study

_MOST_LABELS = 60
_MOST_STARTS = 50


@dataclasses.dataclass(frozen=True)
class Fact:
    name: str
    value: str
    look: str = ""


@dataclasses.dataclass
class Section:
    """A study, ready for the template."""

    id: str
    file: str
    title: str
    experiment: str
    state: str
    tasks: str
    complete: bool
    warnings: list[str]
    asked: list[Fact]
    defaults: list[Fact]
    job_file: str
    machines: list[Table]
    figures: list[Figure]
    missing: list[Missing]
    compared: list[Table]
    not_compared: str
    citations: list[str]
    errata: Table | None
    provenance: list[Fact]
    commands: list[Fact]


@dataclasses.dataclass
class Differences:
    tables: list[Table]
    equal: list[str]  #: sentences


def section(study: Study, file: str, identity: str, ids: Ids) -> Section:
    done, failed, opened = overview.counts(study)
    asked, defaults = _settings(study)
    figures, missing = drawn(study, ids)
    compared = _compared(study, file, ids)
    return Section(
        id=identity, file=file, title=shortened(str(study.attrs["title"]), 200), experiment=study.experiment, state=overview.state(study),
        tasks=f"{done:,} tasks done, {failed:,} failed, {opened:,} open", complete=study.complete, warnings=overview.warnings(study), asked=asked, defaults=defaults,
        job_file=str(study.attrs.get("job_file", "")), machines=_machines(study, file, ids), figures=figures, missing=missing, compared=compared,
        not_compared="" if compared else _why_nothing_is_compared(study), citations=list(published.citations(study).values()), errata=_errata(study, file, ids),
        provenance=_provenance(study), commands=_commands(study))


def what_differs(studies: Sequence[Study], files: Sequence[str], ids: Ids) -> Differences:
    """Program and machines of every study beside the others'; settings and numbers of those of one experiment, numbers beside those of its first file."""
    tables: list[Table] = []
    equal: list[str] = []

    def shown(frame: pd.DataFrame, caption: str, same: str) -> None:
        if len(frame):
            tables.append(differences_table(frame, ids.new(f"differences {caption}"), f"What differs: {caption}"))
        else:
            equal.append(same)
    shown(differences.programs(studies), "programs and data sets", "Program, file format and data set are the same.")
    shown(differences.machines(studies), "passports of the ranks that computed", "The passports say the same: host, processor, kernels, libraries.")
    environments = differences.environments(studies)
    if len(environments):
        tables.append(differences_table(environments, ids.new("differences environments"), "Environments of all files: identities, and fingerprints that files share"))
    for experiment, count in Counter(study.experiment for study in studies).items():
        places = [at for at, study in enumerate(studies) if study.experiment == experiment]
        if count == 1:
            continue
        frame = differences.settings([studies[at] for at in places])
        frame.columns = pd.Index(["setting", *(files[at] for at in places)])
        shown(frame, f"settings of {experiment}", f"Every setting of {' and '.join(files[at] for at in places)} is the same.")
        for at in places[1:]:
            table, said = _numbers(studies[places[0]], studies[at], files[places[0]], files[at], ids)
            tables += table
            equal += said
    if len({study.experiment for study in studies}) == len(studies):
        equal.append("No two of these files are of one experiment: there are no settings and no numbers to compare.")
    return Differences(tables, equal)


def differences_table(frame: pd.DataFrame, identity: str, caption: str) -> Table:
    rows = [[Cell(number(value) if isinstance(value, (int, float)) else shortened(str(value), 1000), look="wide" if len(str(value)) > 30 else "") for value in row]
            for row in frame.astype(object).itertuples(index=False)]
    return Table(identity, caption, [Column(str(name), pd.api.types.is_numeric_dtype(frame[name])) for name in frame.columns], rows)


def _numbers(study: Study, other: Study, name: str, other_name: str, ids: Ids) -> tuple[list[Table], list[str]]:
    frame = differences.numbers(study, other)
    apart = frame["state"].str.startswith("not compared")
    same, unequal = frame[frame["state"] == "equal"], frame[~apart & (frame["state"] != "equal")]
    both = f"{name} and {other_name}"
    said = []
    if len(same):
        which = f"all {len(frame)} variables" if len(same) == len(frame) else f"{len(same)} of {len(frame)} variables"
        said.append(f"{both}: {which} ({int(same['cells'].sum()):,} cells) are equal in every bit: "
                    + ", ".join(f"{count} in {group}" for group, count in Counter(same["group"]).items()) + ".")
    if apart.any():
        reasons = Counter(one.removeprefix("not compared: ") for one in frame["state"][apart])
        said.append(f"{both}: {int(apart.sum())} of {len(frame)} variables cannot be compared: "
                    + "; ".join(f"{reason} ({count})" for reason, count in reasons.most_common(8)) + ".")
    if not len(frame):
        said.append(f"{both} have no variable in common.")
    if not len(unequal):
        return [], said
    columns = heads("group", "variable", "cells#", "that differ#", "largest difference#", "where", "state")
    rows = [[row.group, row.variable, row.cells, row.differ, row.largest, Cell(row.where, look="wide"), row.state] for row in unequal.itertuples()]
    return [Table(ids.new("differences numbers"), f"What differs: numbers of {both}", columns, plain(rows))], said


def _settings(study: Study) -> tuple[list[Fact], list[Fact]]:
    """Those that the job file names or that have several values, and the rest."""
    named = {one.replace("-", "_") for one in re.findall(r"^\s*([A-Za-z0-9-]+)\s*=", str(study.attrs.get("job_file", "")), re.MULTILINE)}
    asked: list[Fact] = []
    defaults: list[Fact] = []
    for key, values in study.settings.items():
        labels = [word(value) for value in values]
        more = f", … ({len(labels)} values)" if len(labels) > _MOST_LABELS else ""
        fact = Fact(key.replace("_", "-"), ", ".join(labels[:_MOST_LABELS]) + more or "(none)", "axis" if len(values) > 1 else "")
        (asked if key in named or len(values) > 1 else defaults).append(fact)
    return sorted(asked, key=lambda fact: not fact.look), defaults


def _machines(study: Study, file: str, ids: Ids) -> list[Table]:
    tables = []
    if "environments" in study and study["environments"].sizes.get("environment"):
        group = study["environments"]
        names = [str(one) for one in labels_of(group, "environment")]
        trainer = str(group.attrs.get("training_environment", ""))
        known = "run" in study and "microarchitectures" in study["run"]
        processors = [str(one) for one in study["run"]["microarchitectures"].values] if known else [NOTHING] * len(names)
        tasks = Counter(str(one) for one in study["tasks"]["environment"].values) if "tasks" in study else Counter()
        rows = [[name, str(group["profile"].values[at]), "yes" if name == trainer else "no", processors[at], tasks.get(name, 0),
                 Cell(str(group["identity"].values[at])[:16], look="code")]
                for at, name in enumerate(names)]
        tables.append(Table(ids.new(f"environments {study.experiment}"), "Environments: all that decides the bits of a prediction, by name",
                            heads("environment", "profile", "trained", "microarchitectures", "tasks#", "identity"),
                            plain(rows), f"Trained on: {trainer or group.attrs.get('training_rule', NOTHING)}.", label=f"Environments of {file}"))
    seen: Counter[tuple[str, ...]] = Counter()
    for rank in overview.ranks(study):
        passport = rank.get("passport", {})
        cpu, kernels, libraries, system = (passport.get(name, {}) for name in ("cpu", "kernels", "libraries", "system"))
        seen[(str(rank.get("host", "")), str(rank.get("environment", "")), str(cpu.get("brand", NOTHING)), str(cpu.get("microarchitecture", NOTHING)),
              ", ".join(f"{key} {value}" for key, value in kernels.items()),
              ", ".join(_version(key, value.get("version", "") if isinstance(value, dict) else value) for key, value in libraries.items() if key != "build_ids"),
              ", ".join(str(system[key]) for key in ("os", "kernel", "container") if system.get(key)))] += 1
    if seen:
        columns = heads("host", "environment", "processor", "microarchitecture", "kernels", "libraries", "system", "ranks#")
        rows = [[*(Cell(one, look="wide" if place > 3 else "") for place, one in enumerate(machine)), count] for machine, count in list(seen.items())[:500]]
        tables.append(Table(ids.new(f"hosts {study.experiment}"), "Hosts of the ranks that computed, over all starts", columns, plain(rows), label=f"Hosts of {file}"))
    if study.sessions:
        rows = []
        for at, session in enumerate(study.sessions[:_MOST_STARTS], 1):
            computing = [one for one in session.get("ranks", []) if one.get("computes", True)]
            started = session.get("started_s")
            when = datetime.fromtimestamp(float(started), timezone.utc).strftime("%Y-%m-%d %H:%M:%S") if started else NOTHING
            rows.append([at, when, len(computing), len({one.get("host") for one in computing})])
        more = f"The first {_MOST_STARTS} of {len(study.sessions)} starts." if len(study.sessions) > _MOST_STARTS else ""
        tables.append(Table(ids.new(f"starts {study.experiment}"), "Starts", heads("start#", "time, UTC", "ranks that compute#", "hosts#"),
                            plain(rows), more, label=f"Starts of {file}"))
    return tables


def _version(library: str, value: Any) -> str:
    """Without how it was built: "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH ..."."""
    found = re.search(r"\d+(\.\d+)+", str(value))
    return f"{library} {found.group() if found else shortened(str(value), 24)}"


def _compared(study: Study, file: str, ids: Ids) -> list[Table]:
    """A table of a paper, beside it what was measured."""
    frame = published.compared(study)
    if not len(frame):
        return []
    return [_compared_table(str(paper), str(name), part, file, ids) for (paper, name), part in frame.groupby(["paper", "table"], sort=False)]


def _compared_table(paper: str, name: str, part: pd.DataFrame, file: str, ids: Ids) -> Table:
    coordinates = [{key: word(value) for key, value in one.items() if value is not None} for one in part["coordinates"]]
    keys = list(dict.fromkeys(key for one in coordinates for key in one))
    alike = [key for key in keys if len({one.get(key) for one in coordinates}) == 1]
    varying = [key for key in keys if key not in alike]
    units, settings, origins = (part[name].nunique() > 1 for name in ("unit", "setting", "origin"))
    columns = [Column("measure"), *(Column(key.replace("_", " ")) for key in varying), *([Column("setting")] if settings else []), *([Column("unit")] if units else []),
               Column("paper", True), Column("measured", True), Column("difference", True), Column("95% interval", True), Column("n", True), Column("paper and measured"),
               *([Column("origin")] if origins else []), Column("reason")]
    scales = {measure: _scale(rows) for measure, rows in part.groupby("measure")}
    rows = []
    for row, labels in zip(part.itertuples(), coordinates):
        share = row.unit == "1"
        written = _written(share)
        sign = {"above": "> ", "below": "< ", "about": "≈ "}.get(row.bound, "")
        there = not math.isnan(row.measured)
        difference = (100 if share else 1) * (row.measured - row.value)
        interval = f"{written(row.low)} to {written(row.high)}" if not math.isnan(row.low) else NOTHING
        rows.append([str(row.measure).replace("_", " "), *(labels.get(key, NOTHING) for key in varying), *([row.setting or NOTHING] if settings else []),
                     *(["%" if share else str(row.unit)] if units else []), sign + written(row.value), written(row.measured),
                     (f"{difference:+.2f}" if share else f"{difference:+.4g}") if there else NOTHING, interval, int(row.n) if not math.isnan(row.n) else 0,
                     Cell("", strip=_strip(row, scales[row.measure])) if there else NOTHING, *([str(row.origin)] if origins else []),
                     Cell(shortened(str(row.reason), 800), look="wide")])
    first = part.iloc[0]
    said = [f"{key.replace('_', ' ')} {coordinates[0][key]}" for key in alike]
    said += [] if settings or not first["setting"] else [str(first["setting"]).replace("_", " ")]
    said += [] if units else ["in %" if first["unit"] == "1" else f"in {first['unit']}"]
    said += [] if origins else [f"{first['origin']} numbers" if first["origin"] in ("printed", "computed") else f"from {first['origin']}"]
    return Table(ids.new(f"{paper} {name}"), f"{paper}, {name}: published and measured", columns, plain(rows),
                 f"For all: {', '.join(said)}. Differences of shares in points. n: repeats; 0: not measured yet. ◇ published, ● measured with its interval.",
                 label=f"{paper}, {name} of {file}")


def _written(share: bool) -> Callable[[float], str]:
    return percent if share else lambda value: number(value)


def _scale(rows: pd.DataFrame) -> tuple[float, float]:
    values = pd.concat([rows[name] for name in ("value", "measured", "low", "high")]).dropna()
    low, high = float(values.min()), float(values.max())
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _strip(row: Any, scale: tuple[float, float]) -> Strip:
    def place(value: float) -> float:
        return round(100 * (value - scale[0]) / (scale[1] - scale[0]), 1)
    known = not math.isnan(row.low)
    return Strip(place(row.measured), place(row.low) if known else None, place(row.high) if known else None, place(row.value))


def _why_nothing_is_compared(study: Study) -> str:
    count = len(published.rows(study))
    if not count:
        return "The papers of this experiment have published no numbers that this program knows."
    if study.attrs.get("dataset_generated"):
        return f"Of generated data nothing is compared with the {count} published numbers."
    return f"None of the {count} published numbers was compared: this study has none of their settings, or the file is of an older program."


def _errata(study: Study, file: str, ids: Ids) -> Table | None:
    frame = published.errata(study)
    if not len(frame):
        return None
    rows = [[str(row.paper), str(row.source), Cell(str(row.statement), look="wide"), Cell(str(row.finding), look="wide")] for row in frame.itertuples()]
    return Table(ids.new(f"errata {study.experiment}"), "Errata: what is wrong or ambiguous in the papers", heads("paper", "where", "it says", "we found"),
                 plain(rows), label=f"Errata of the papers of {file}")


def _provenance(study: Study) -> list[Fact]:
    attrs = study.attrs
    source = str(attrs.get("dataset_source", NOTHING)) + (" (generated: no reproduction of the papers' numbers)" if attrs.get("dataset_generated") else "")
    facts = [Fact("program", str(attrs.get("program_version", NOTHING))), Fact("git", str(attrs.get("git", NOTHING)), "code"),
             Fact("file format", f"{attrs.get('format')}, version {attrs.get('format_version')}"), Fact("data set", f"{attrs.get('dataset')}; {source}"),
             Fact("its SHA-256", str(attrs.get("dataset_sha256", NOTHING)), "code")]
    if attrs.get("other_datasets"):
        facts.append(Fact("other data sets", str(attrs["other_datasets"])))
    facts += [Fact(key.replace("_", "-"), ", ".join(word(value) for value in values)) for key, values in study.settings.items() if "seed" in key or key == "repeats"]
    facts.append(Fact("reproducible bit for bit", "yes, on the same environments" if attrs.get("reproducible") else "no: train-on = any"))
    if "environments" in study and "identity" in study["environments"]:
        group = study["environments"]
        facts += [Fact(f"environment {name}", str(identity), "code") for name, identity in zip(labels_of(group, "environment"), group["identity"].values)]
    return facts


def _commands(study: Study) -> list[Fact]:
    file, job = shlex.quote(study.path.name), shlex.quote(f"{study.name}.ini")
    return [Fact("the job file above, saved as", f"{study.name}.ini"), Fact("run it (again: goes on)", f"telltale run {job} -o {file}"),
            Fact("look whether all is whole", f"telltale verify {file}"),
            Fact("a figure, by the name under it", f"python3 -m telltale figure NAME {file} -o NAME.pdf"),
            Fact("this page", f"python3 -m telltale report {file} -o report.html")]
