"""What every figure of experiment ownership goes by: its attacks, what they leave of a network, and whether that is worth stealing."""

from __future__ import annotations

from typing import Any

import xarray as xr

from telltale.cells import varying
from telltale.results import Study

UNATTACKED = "none"
#: In the order of the program; of a younger program there may be others.
ATTACKS = ("prune", "fine-tune", "fine-prune", "quantise", "weight-noise", "weight-shift", "overwrite", "extract", "adaptive-extract", "combine",
           "remove-class", "smooth", "input-noise", "jpeg", "reject")
CONTROLS = ("scratch",)  # no attacks: networks that owe the attacked one nothing
USEFUL = 0.9  # the share of its accuracy that a stolen network must keep to be worth stealing


def attacks_of(study: Study) -> list[str]:
    """Those that the study has."""
    others = [group for group in study if group not in ("train", *ATTACKS, *CONTROLS) and "accuracy_second_half" in study[group]]
    return [attack for attack in (*ATTACKS, *others) if attack in study]


def controls_of(study: Study) -> list[str]:
    """Those that the study has."""
    return [control for control in CONTROLS if control in study]


def group_of(study: Study, attack: str) -> xr.Dataset:
    """The attack's group; that of the trained networks themselves for UNATTACKED."""
    return study["train" if attack == UNATTACKED else attack]


def case_dims(study: Study) -> list[str]:
    """What networks are told apart by, but for the scheme."""
    return [str(dim) for dim in study["train"]["accuracy"].dims if dim != "scheme"]


def what_is_left(study: Study, attack: str) -> xr.Dataset:
    """By scheme and setting, over repeats and cases that are there: means of `accuracy` and of `keys`, the share of key samples that are recognised;
    of the `claims` that were made, how many are `proven`."""
    group = group_of(study, attack)
    keys = group["key_accuracy_trained"]
    if "key_accuracy" in group:
        keys = group["key_accuracy"].fillna(keys)
    accuracy = group["accuracy_second_half"]
    there = accuracy.notnull() & keys.notnull()
    verdict = group["verdict"] if "verdict" in group else xr.full_like(accuracy, "", dtype=object)
    means = xr.Dataset({"accuracy": accuracy, "keys": keys}).where(there).mean(case_dims(study))
    counts = xr.Dataset({"claims": there & (verdict != ""), "proven": there & (verdict == "proven")}).sum(case_dims(study))
    return means.merge(counts)


def worth_stealing(accuracy: Any, unattacked: Any) -> Any:
    """Whether a network that is left so accurate is; of arrays, where."""
    return accuracy >= USEFUL * unattacked


def told_cases(study: Study) -> str:
    """"10 repeats, every alpha"; empty where there is one of everything."""
    networks = study["train"]["accuracy"]
    over = [f"every {dim.replace('_', ' ')}" for dim in varying(networks, ("scheme", "repeat"))]
    return ", ".join([f"{networks.sizes['repeat']} repeats", *over] if networks.sizes["repeat"] > 1 else over)
