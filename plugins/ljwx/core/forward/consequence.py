"""What follows when a check of the watch rings: reported, marked as failing, or rolled back. Pure: no I/O, no clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from ljwx.core.forward.watch import Check

Wanted = Literal["tell", "mark", "roll_back"]
Done = Literal["reported", "marked", "rolled_back"]

OF_MODEL: Final[frozenset[Check]] = frozenset({"skill", "classes", "refusals", "faithfulness"})
"""Checks that speak of a model; the others speak of what it is given, and of the servers."""
ROLLED_BACK: Final = "forward.watch is roll_back"
MEANS: Final[dict[Check, tuple[str, str]]] = {
    "skill": ("预测能力下降", "its order of the stocks fits the days' returns less than it did"),
    "inputs": ("输入特征漂移", "a number of the snapshots is missing, or is out of its usual range"),
    "classes": ("回答的类别占比漂移", "the shares of its classes have moved"),
    "refusals": ("无法读取的回答增多", "more of its answers cannot be read"),
    "faithfulness": ("与快照不符的陈述增多", "more of what it claims is not true of its snapshots"),
    "coverage": ("按时回答的问题减少", "more questions have no answer in time"),
}
"""What it means that a check rings, in Chinese and English."""


@dataclass(frozen=True)
class Blame:
    """What is known when a check rings.

    :param serves: whether the model still serves; another check may have put one back on the same night.
    :param is_its_own: whether the model gave most of the answers since it began.
    :param previous: the model that a rollback would put back; None: there is none.
    :param previous_fails: why the watch holds that one for failing; None where it does not.
    """

    check: Check
    serves: bool
    is_its_own: bool
    previous: str | None
    previous_fails: str | None


@dataclass(frozen=True)
class Consequence:
    """What is to be done, and why it is that."""

    done: Done
    because: str


def consequence(wanted: Wanted, blame: Blame) -> Consequence:
    """Decide what follows; a model that is not at fault is only reported, and a rollback needs a better one."""
    if wanted == "tell":
        return Consequence("reported", "forward.watch is tell")
    if blame.check not in OF_MODEL:
        return Consequence("reported", f"{blame.check} is no fault of the model: forward.watch only reports it")
    if not blame.serves:
        return Consequence("reported", "the model was replaced on the same night")
    if not blame.is_its_own:
        return Consequence("reported", "most of these answers are of another model of its line, which does not serve")
    if wanted == "mark":
        return Consequence("marked", "forward.watch is mark")
    if blame.previous is None:
        return Consequence("marked", "not rolled back: there is no previous champion")
    if blame.previous_fails is not None:
        return Consequence("marked", f"not rolled back: {blame.previous} {blame.previous_fails}")
    return Consequence("rolled_back", ROLLED_BACK)


def finding(check: Check, what: str, model: str, since: date | None, mean: float, level: float) -> str:
    """Return in one line what a check has found."""
    of = f" of {what}" if what else ""
    began = f" since about {since}" if since else ""
    found = f"{check}{of} of {model} is {mean:.3g}{began}, where {level:.3g} is held to"
    return f"the forward watch: {found}: {MEANS[check][1]}"
