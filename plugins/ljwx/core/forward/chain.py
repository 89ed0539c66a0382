"""Digests of the forward record: each sealed session has one over its answers, and over the digest before.

The texts that are hashed are those of an export, so that a file alone can be checked: see docs/reference.md.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timezone
from typing import Any, Final

from ljwx.core.snapshots.snapshot import canonical

HEADER: Final = ("session", "deadline", "opened_at", "labels", "previous")
"""Columns of a batch that its digest covers, in their order."""
COLUMNS: Final = (
    "ts_code", "task", "answerer", "digest", "line_id", "snapshot_sha256", "classes", "probabilities", "answer",
    "reason", "answered_at", "late",
)  # fmt: skip
"""Columns of an answer that the digest of its batch covers, in their order."""
SORTED_BY: Final = ("ts_code", "task", "answerer", "digest")
"""The order of answers in a batch, by code points."""
MEANING: Final = (
    "horizon", "exit_roll", "costs", "buy_excess", "sell_excess", "flat_band", "label_version",
)  # fmt: skip
"""Settings of a batch's spec that say which class comes true. What labels take from the train split moves with each
dataset, and is the task's own way of saying what is usual then."""

Texts = Sequence[str]
"""The texts of an answer, in the order of COLUMNS; what is not there is empty."""


@dataclass(frozen=True)
class Batch:
    """A session whose questions are asked before the next one opens.

    :param deadline: when the next session is about to open; an answer of then or later counts nowhere.
    :param spec: settings of the dataset, as JSON, and `fit` the numbers fitted on its train split: what classes mean.
    :param answers: how many there are; None, as are `sealed_at` and `digest`, before it is sealed.
    :param previous: digest of the sealed batch before; None of the first.
    :param published_at: when an alert channel had taken the digest; None while none has.
    """

    session: date
    deadline: datetime
    dataset_id: str
    spec: Mapping[str, Any]
    fit: Mapping[str, Any]
    opened_at: datetime
    sealed_at: datetime | None = None
    answers: int | None = None
    digest: str | None = None
    previous: str | None = None
    published_at: datetime | None = None

    @property
    def numbers(self) -> Mapping[str, Mapping[str, float]]:
        """What labels take from the train split, by task."""
        found: Mapping[str, Mapping[str, float]] = self.fit.get("numbers", {})
        return found

    @property
    def labels(self) -> str:
        """What each class means: dataset, spec and fitted numbers, as canonical JSON."""
        return canonical({"dataset_id": self.dataset_id, "spec": self.spec, "fit": self.fit})

    @property
    def horizon(self) -> int:
        """Sessions from an answer to its outcome, h."""
        return int(self.spec["horizon"])

    @property
    def reach(self) -> int:
        """Sessions after it until each of its outcomes is known, where none of them is missing."""
        return self.horizon + int(self.spec.get("exit_roll", 0))

    @property
    def meaning(self) -> str:
        """Digest, 8 hex digits, of the settings that say which class comes true; unlike ones are scored apart."""
        return meaning_of(self.spec)


@dataclass(frozen=True)
class Answer:
    """What a model or a rule said about a stock, as it stands in the record.

    :param answerer: a model's name, or a rule's.
    :param digest: of the model on its server; None of a rule.
    :param line_id: None of the untuned base and of a rule.
    :param classes: all of the task, in its order.
    :param probabilities: by class; None where they could not be read, for a `reason` then.
    :param answer: text of one that was asked in full; None of the class alone.
    :param late: it was written when the deadline had passed.
    """

    session: date
    ts_code: str
    task: str
    answerer: str
    digest: str | None
    line_id: str | None
    snapshot_sha256: str
    classes: Sequence[str]
    probabilities: Mapping[str, float] | None
    answer: str | None
    reason: str | None
    answered_at: datetime
    late: bool

    @property
    def texts(self) -> Texts:
        """Its texts in an export."""
        said = None if self.probabilities is None else canonical({k: float(v) for k, v in self.probabilities.items()})
        fields = (
            self.ts_code, self.task, self.answerer, self.digest, self.line_id, self.snapshot_sha256,
            "|".join(self.classes), said, self.answer, self.reason, instant(self.answered_at),
            "true" if self.late else "false",
        )  # fmt: skip
        return [text or "" for text in fields]


def prompts_of_spec(spec: Mapping[str, Any]) -> str:
    """Return the version of the prompts of a dataset's settings, as JSON, that were stored by whichever version."""
    return str(spec["prompt_version"])


def meaning_of(spec: Mapping[str, Any]) -> str:
    """Return the digest, 8 hex digits, of what a dataset's settings, as JSON, say of which class comes true."""
    said = {name: spec.get(name) for name in MEANING}
    return hashlib.sha256(canonical(said).encode()).hexdigest()[:8]


def instant(moment: datetime) -> str:
    """Return a moment as text: UTC, with microseconds, ``2026-03-02T10:31:07.000250Z``."""
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def header_of(batch: Batch, previous: str | None) -> Texts:
    """Return the texts of a batch in the order of HEADER.

    :param previous: digest of the sealed batch before; None of the first.
    """
    return [batch.session.isoformat(), instant(batch.deadline), instant(batch.opened_at), batch.labels, previous or ""]


def digest_of(header: Texts, answers: Iterable[Texts]) -> str:
    """Return the digest of a batch: sha256 over the lines of its header and its answers, each a JSON array of texts.

    :param answers: in the order in which they stand.
    """
    found = hashlib.sha256(_line(header))
    for each in answers:
        found.update(b"\n" + _line(each))
    return found.hexdigest()


def _line(texts: Texts) -> bytes:
    return json.dumps(list(texts), ensure_ascii=False, separators=(",", ":")).encode()
