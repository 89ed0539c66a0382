"""From a record and its bars to the checks of the watch."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import polars as pl
import pytest

from ljwx.core.forward.market import Market
from ljwx.core.forward.settled import SETTLED
from ljwx.core.forward.watch import Watched
from ljwx.core.forward.watching import Asked, watch_line, wrong_by_session

STOCKS, SESSIONS, HORIZON, CHANGE = 40, 200, 2, 140
ASKED = Asked({"price_direction": np.full(SESSIONS, float(STOCKS))}, np.ones(SESSIONS, dtype=np.bool_))
CLAIMS = {"session": pl.Date, "claims": pl.Int64, "claims_right": pl.Int64}


@pytest.fixture(scope="module")
def market() -> Market:
    generator = np.random.default_rng(1)
    close = 10 * np.exp(generator.normal(0, 0.01, (SESSIONS, STOCKS)).cumsum(axis=0))
    opened = np.vstack([close[:1], close[:-1]])
    days = tuple(dt.date(2025, 1, 1) + dt.timedelta(at) for at in range(SESSIONS))
    all_of_them = np.ones(close.shape, dtype=np.bool_)
    codes = tuple(f"{at:02}" for at in range(STOCKS))
    return Market(days, codes, opened, close, all_of_them, all_of_them, close, np.zeros(SESSIONS))


def record(market: Market, skill_lost: bool = False, refused: bool = False, late: bool = False) -> pl.DataFrame:
    """Answers that know a part of the next two days' returns, until something goes wrong at the change."""
    generator, rows = np.random.default_rng(2), []
    for at, session in enumerate(market.sessions):
        changed = at >= CHANGE
        to_come = market.close[min(at + HORIZON, SESSIONS - 1)] / market.close[at] - 1
        known = 0 if changed and skill_lost else 12
        up = 1 / (1 + np.exp(-known * to_come - generator.normal(0, 0.2, STOCKS)))
        for code, p in zip(market.stocks, up.tolist(), strict=True):
            said = None if refused and changed and generator.random() < 0.5 else [0.8 * p, 0.2, 0.8 * (1 - p)]
            rows.append(
                (session, code, "price_direction", "m", late and changed, said, None, None, None, None, HORIZON, "m")
            )
    return pl.DataFrame(rows, schema=SETTLED, orient="row")


def watched(market: Market, answers: pl.DataFrame, claims: Any = None) -> dict[str, Watched]:
    nothing = np.full(SESSIONS, np.nan) if claims is None else claims
    found = watch_line(answers, nothing, ASKED, market, HORIZON)
    return {each.check: each for each in found}


def test_as_long_as_nothing_changes_no_check_rings(market: Market) -> None:
    seen = watched(market, record(market))
    assert set(seen) == {"skill", "classes", "refusals", "coverage"}
    assert {check: each.alarms for check, each in seen.items()} == dict.fromkeys(seen, ())


@pytest.mark.parametrize(("wrong", "check"), [("skill_lost", "skill"), ("refused", "refusals"), ("late", "coverage")])
def test_what_goes_wrong_rings_the_check_of_its_name(market: Market, wrong: str, check: str) -> None:
    rang = {name: each.alarms for name, each in watched(market, record(market, **{wrong: True})).items() if each.alarms}
    assert check in rang
    assert CHANGE - 120 <= rang[check][0] <= CHANGE - 120 + 40


def test_a_record_that_is_no_longer_than_its_reference_is_not_watched(market: Market) -> None:
    answers = record(market)
    assert watch_line(answers, np.zeros(SESSIONS), ASKED, market, HORIZON, reference=SESSIONS) == ()


def test_claims_that_stop_being_true_ring(market: Market) -> None:
    claims = np.where(np.arange(SESSIONS) < CHANGE, 0.02, 0.4)
    seen = watched(market, record(market), claims)["faithfulness"]
    assert seen.rang == seen.alarms[0] >= CHANGE - 120


def test_a_session_that_can_still_be_answered_is_not_missing(market: Market) -> None:
    answers = record(market).filter(pl.col("session") < market.sessions[-1])
    asked = Asked({"price_direction": np.append(np.full(SESSIONS - 1, 40.0), 0)}, np.arange(SESSIONS) < SESSIONS - 1)
    over = Asked(asked.questions, np.ones(SESSIONS, dtype=np.bool_))
    seen = [watch_line(answers, np.zeros(SESSIONS), each, market, HORIZON)[-1] for each in (asked, over)]
    assert [each.began for each in seen] == [None, 79]


def test_claims_are_shared_out_by_session(market: Market) -> None:
    days = market.sessions
    rows = pl.DataFrame([(days[0], 10, 9), (days[2], 0, 0)], CLAIMS, orient="row")
    assert wrong_by_session(rows, market)[:3].tolist() == pytest.approx([0.1, np.nan, np.nan], nan_ok=True)
