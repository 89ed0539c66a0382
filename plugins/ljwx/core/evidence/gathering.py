"""From stored answers of two lines to what each session says about them. Pure: no airflow, no I/O, no clock.

Of each session the answers of a line's newest model count that was made from nothing that reaches it. Answers of one
digest are of one model, whatever it is called. A session that both models answered in the forward record counts by the
record alone: what they said of it in a validation window later is left aside.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from ljwx.core.evaluations import Question, ScoredAnswer
from ljwx.core.evidence.sessions import VALIDATION, Source

Key = tuple[date, str, str]
"""What was asked about: session, ts_code and task."""
IN_RECORD: Final = (True, "record")
"""The way in which the forward record asks: of the class, each model in the prompts that it was taught."""


@dataclass(frozen=True)
class Made:
    """A model of a line.

    :param made_until: the last session that anything it was made from reaches, labels included.
    :param counts_from: the first session after that and the purge.
    """

    model: str
    digest: str
    dataset_id: str
    made_until: date | None
    counts_from: date


@dataclass(frozen=True)
class Said:
    """An answer of a model.

    :param truth: the true class.
    :param excess: what came true as a number; None where none is stored.
    :param asked: names the way of asking; only answers that were asked alike are compared.
    :param of_classes: the class alone was asked, as of whole cross-sections.
    :param label: that was answered; None where there is none, as of a class alone.
    :param source: who asked; of the forward record `of_classes` and `asked` are ``IN_RECORD``.
    """

    sample_id: str
    task: str
    ts_code: str
    session: date
    truth: str
    label_end: date
    excess: float | None
    model: str
    asked: str
    of_classes: bool
    valid: bool
    label: str | None
    probabilities: Mapping[str, float] | None
    source: Source = VALIDATION

    @property
    def key(self) -> Key:
        """What it is about."""
        return (self.session, self.ts_code, self.task)

    def answer(self, sample_id: str) -> ScoredAnswer:
        """Return it as an answer to a question; a class alone is its likeliest."""
        label, said = self.label, self.probabilities
        if label is None and said:
            label = max(said, key=lambda name: said[name])
        valid = self.valid and label is not None
        return ScoredAnswer(sample_id, valid, label, said, reason=None if valid else "no_class")


ByWay = dict[tuple[bool, str], Said]
"""Answers to one question by the way of asking: whether of the class alone, and its name."""


@dataclass(frozen=True)
class Gathered:
    """Questions that count for a line and a rival, with the answers of both by sample_id.

    :param theirs: None where the line is held against something that answers nothing.
    :param outcomes: numbers that came true, by sample_id.
    :param models: session → the line's model, and the rival's.
    :param ends: session → the session at whose close all its outcomes were known.
    :param left_out: reason → questions that do not count.
    :param sources: session → who asked about it.
    """

    questions: list[Question]
    ours: Mapping[str, ScoredAnswer]
    theirs: Mapping[str, ScoredAnswer] | None
    outcomes: Mapping[str, float]
    models: Mapping[date, tuple[str, str | None]]
    ends: Mapping[date, date]
    left_out: Counter[str]
    sources: Mapping[date, Source]


def gathered(
    ours: Iterable[Said],
    made: Sequence[Made],
    theirs: Iterable[Said] | None = None,
    rivals: Sequence[Made] = (),
    used: Collection[date] = (),
) -> Gathered:
    """Pair the answers of a line with those of a rival line to the same questions, asked alike.

    :param made: the line's models, the newest first; ``rivals``: the other line's.
    :param used: sessions on which one of both was promoted: they do not count.
    """
    mine, why = _of_line(ours, made)
    other, why_not = (mine, why) if theirs is None else _of_line(theirs, rivals)
    left_out, kept = Counter[str](), dict[Key, tuple[Said, Said]]()
    in_record = {key[0] for key, by_way in mine.items() if IN_RECORD in by_way and IN_RECORD in other.get(key, {})}
    for key, by_way in mine.items():
        # Of two ways the class alone first: it was asked of whole sessions.
        for way in [IN_RECORD] if key[0] in in_record else sorted(by_way, reverse=True):
            if way in by_way and way in other.get(key, {}):
                kept.setdefault(key, (by_way[way], other[key][way]))
    for key in ((mine.keys() | why.keys()) & (other.keys() | why_not.keys())) - kept.keys():
        if key[0] in in_record:
            continue
        if key in why or key in why_not:
            left_out["made_on" if "made_on" in (why.get(key), why_not.get(key)) else "purged"] += 1
    for key in [key for key in kept if key[0] in used]:
        del kept[key]
        left_out["used_before"] += 1
    left_out["no_outcome"] = sum(said.excess is None for said, _ in kept.values())
    return _gathered(kept, alone=theirs is None, left_out=+left_out)


def _gathered(kept: Mapping[Key, tuple[Said, Said]], *, alone: bool, left_out: Counter[str]) -> Gathered:
    pairs = [kept[key] for key in sorted(kept)]
    ends: dict[date, date] = {}
    for said, _ in pairs:
        ends[said.session] = max(ends.get(said.session, said.label_end), said.label_end)
    return Gathered(
        questions=[_question(said) for said, _ in pairs],
        ours={said.sample_id: said.answer(said.sample_id) for said, _ in pairs},
        theirs=None if alone else {said.sample_id: rival.answer(said.sample_id) for said, rival in pairs},
        outcomes={said.sample_id: said.excess for said, _ in pairs if said.excess is not None},
        models={said.session: (said.model, None if alone else rival.model) for said, rival in pairs},
        ends=ends,
        left_out=left_out,
        sources={said.session: said.source for said, _ in pairs},
    )


def _of_line(said: Iterable[Said], made: Sequence[Made]) -> tuple[dict[Key, ByWay], dict[Key, str]]:
    """Return by key and way of asking what the newest model made before the session said; else why none counts."""
    place = {each.model: at for at, each in enumerate(made)}
    by_session: dict[tuple[date, Source], list[Said]] = defaultdict(list)
    for each in said:
        by_session[each.session, each.source].append(each)
    counting: dict[Key, ByWay] = defaultdict(dict)
    why: dict[Key, str] = {}
    for (session, _), answers in by_session.items():
        able = [each for each in answers if made[place[each.model]].counts_from <= session]
        newest = min((place[each.model] for each in able), default=None)
        for each in answers:
            if place[each.model] == newest:
                counting[each.key][each.of_classes, each.asked] = each
            elif newest is None:
                until = made[place[each.model]].made_until
                why[each.key] = "purged" if until is not None and session > until else "made_on"
    return counting, why


def _question(said: Said) -> Question:
    return Question(said.sample_id, said.task, said.ts_code, said.session, said.truth, None, "", "")
