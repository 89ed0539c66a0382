"""Is what serves still what the forward record showed before?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import polars as pl

from ljwx.core.bars.codes import Codes
from ljwx.core.datasets.spec import SampleSpec, spec_of_today
from ljwx.core.features import FEATURE_VERSION, feature_names
from ljwx.core.forward.chain import Batch
from ljwx.core.forward.consequence import Wanted
from ljwx.core.forward.market import market_of
from ljwx.core.forward.watch import Watched
from ljwx.core.forward.watching import Asked, Series, strange_facts, watch_line, wrong_by_session
from ljwx.core.tasks import TASKS
from ljwx.exceptions import NotFound
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.settings import current_settings
from ljwx.warehouse.promotions import Alias
from ljwx.warehouse.watch import Alarm, FoundCheck

LOOK_BACK: Final = 80
"""Sessions of bars and features read before the record's first: facts look back."""
PART: Final = 60
"""Sessions of features that are read at a time, of which only the stocks asked about are kept."""
NOTE: Final = (
    "level: what the reference allows. A check rings from where its log_evidence reaches log_needed until 20 sessions "
    "are in the mean as they should be. All checks together ring falsely once a year at most."
)


@dataclass(frozen=True)
class Speaker:
    """Who spoke for a line.

    :param digests: of each session of the record from the first that is watched, the model's; None: nobody.
    """

    digests: tuple[str | None, ...]

    def spoke_last(self, digest: str) -> bool:
        """Whether a model gave the newest answers."""
        return next((each for each in reversed(self.digests) if each is not None), None) == digest

    def spoke_in(self, began: int, digest: str) -> bool:
        """Whether a model gave any answers since a session."""
        return digest in self.digests[began:]

    def most_since(self, began: int, digest: str) -> bool:
        """Whether a model gave the answers of most sessions since one that had any."""
        spoke = [each for each in self.digests[began:] if each is not None]
        return 2 * spoke.count(digest) > len(spoke)


@dataclass(frozen=True)
class WatchedLine:
    """What the watch sees of a line, and who spoke for it since the end of the reference."""

    found: tuple[Watched, ...]
    speaker: Speaker


@dataclass(frozen=True)
class WatchedChampion:
    """The champion's line in the record; no checks before its record is longer than the reference.

    :param wanted: the setting `forward.watch`.
    :param alarms: what rings, and what followed.
    """

    model: str
    line_id: str
    sessions: int
    reference: int
    wanted: Wanted
    checks: tuple[FoundCheck, ...]
    alarms: tuple[Alarm, ...]
    note: str = NOTE


class WatchedRecord:
    """The newest sessions of the record whose classes mean the same, which lines are watched on.

    :raises NotFound: there is no forward record.
    """

    def __init__(self, warehouse: WarehouseHook, reference: int) -> None:
        batches, complete = warehouse.forward_batches(), warehouse.complete_sessions()
        if not batches or not complete:
            raise NotFound("there is nothing to watch yet: no forward record")
        self.warehouse, self.reference, now = warehouse, reference, batches[-1]
        self.horizon, first = now.horizon, next(each.session for each in batches if each.meaning == now.meaning)
        self.last, codes = max(complete[-1], first), warehouse.codes()
        days = warehouse.trading_days(first, self.last)
        record = codes.as_stocks(warehouse.settled_record(by_line=True))
        asked = record.filter(pl.col("session") <= self.last, meaning=now.meaning)
        before = warehouse.complete_sessions(last=first)[-LOOK_BACK - 1 :][0]
        bars = codes.as_stocks(warehouse.bars(before, self.last)).filter(
            pl.col("ts_code").is_in(asked.get_column("ts_code").unique().to_list())
        )
        self.market = market_of(bars.filter(pl.col("session") >= first), days)
        self._answers = asked.filter(
            pl.col("ts_code").is_in(self.market.stocks), pl.col("session").is_in(self.market.sessions)
        )
        strange: Series = {}
        if len(days) > reference:
            strange = self._strange(bars, codes, before, spec_of_today(now.spec))
        self._asked = Asked(dict(self._questions()), self._over(batches), strange)

    def line(self, line_id: str, digest: str) -> WatchedLine:
        """Hold the newest answers of a line against those of the reference.

        :param digest: of the model whose own answers are watched, wherever it gave any.
        """
        mine = spoken(self._answers.filter(answerer=line_id), digest)
        spoke = dict(mine.filter(pl.col("digest").is_not_null()).select("session", "digest").iter_rows())
        speaker = Speaker(tuple(spoke.get(session) for session in self.market.sessions[self.reference :]))
        if mine.is_empty():
            return WatchedLine((), speaker)
        claims = self.warehouse.forward_claims(line_id)
        claims = claims.join(mine.select("session", "digest").unique(), on=["session", "digest"], how="semi")
        wrong = wrong_by_session(claims.drop("digest").group_by("session").sum(), self.market)
        return WatchedLine(watch_line(mine, wrong, self._asked, self.market, self.horizon, self.reference), speaker)

    def session(self, at: int) -> date:
        """Return the session that is so many after the end of the reference."""
        return self.market.sessions[self.reference + at]

    def check(self, seen: Watched) -> FoundCheck:
        """Return what a check has seen, with its days."""
        since = None if seen.began is None else self.session(seen.began)
        return FoundCheck(
            seen.check, seen.what, seen.rang is not None, since, seen.level, seen.mean, seen.log_evidence,
            seen.log_needed,
        )  # fmt: skip

    def _questions(self) -> Iterator[tuple[str, np.ndarray]]:
        for task in TASKS:
            rows = self._answers.filter(task=task)
            counts = dict(rows.group_by("session").agg(pl.col("ts_code").n_unique()).iter_rows())
            if counts:
                yield task, np.array([counts.get(session, 0) for session in self.market.sessions], dtype=np.float64)

    def _over(self, batches: list[Batch]) -> np.ndarray:
        """The newest session can still be asked about, until its batch is sealed or another one follows."""
        sealed = {batch.session for batch in batches if batch.digest is not None}
        over = np.ones(len(self.market.sessions), dtype=np.bool_)
        over[-1] = self.market.sessions[-1] in sealed
        return over

    def _strange(self, bars: pl.DataFrame, codes: Codes, before: date, spec: SampleSpec) -> Series:
        days, parts = self.warehouse.complete_sessions(last=self.last), []
        days = [day for day in days if day >= before]
        stocks = bars.get_column("ts_code").unique().to_list()
        stated = [name for group in spec.groups if group.table is not None for name in group.table.makes]
        names = [*feature_names(), *stated]
        for at in range(0, len(days), PART):
            some = days[at : at + PART]
            rows = self.warehouse.features(feature_names(), FEATURE_VERSION, some[0], some[-1])
            rows = codes.as_stocks(self.warehouse.with_facts(rows, spec.groups, None, codes))
            parts.append(rows.filter(pl.col("ts_code").is_in(stocks)).select("ts_code", "session", *names))
        features = pl.concat(parts)
        return strange_facts(bars, features, self._answers, self.market, spec, self.reference)


def spoken(answers: pl.DataFrame, digest: str) -> pl.DataFrame:
    """Return of each session what a model said, and where it said nothing, what its line said first to each question.

    :param answers: of one line, by session; of a question what came first stands first.
    """
    own = pl.col("digest") == digest
    kept = answers.filter(own | ~own.any().over("session"))
    return kept.unique(["session", "ts_code", "task"], keep="first", maintain_order=True)


def watched_champion(warehouse: WarehouseHook) -> tuple[Alias, str]:
    """Return the champion and its line.

    :raises NotFound: there is no champion with a line.
    """
    champion = warehouse.champion()
    model = None if champion is None else warehouse.model(champion.model)
    if champion is None or model is None or model.line_id is None:
        raise NotFound("there is nothing to watch yet: no champion")
    return champion, model.line_id


def watch_champion() -> WatchedChampion:
    """Hold the newest sessions of the champion's line against those before whose classes meant the same.

    :raises NotFound: there is no champion with a line, or no forward record.
    """
    warehouse, settings = WarehouseHook(), current_settings().forward
    champion, line_id = watched_champion(warehouse)
    record = WatchedRecord(warehouse, settings.watch_reference)
    checks = tuple(record.check(each) for each in record.line(line_id, champion.digest).found)
    return WatchedChampion(
        champion.model, line_id, len(record.market.sessions), settings.watch_reference, settings.watch, checks,
        tuple(warehouse.alarms()),
    )  # fmt: skip
