"""Send people the answers about the stocks on their watchlist, once they are sealed, where the settings ask for it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import date
from typing import Final

import polars as pl
from airflow.sdk.exceptions import AirflowSkipException

from ljwx.core.forward.chain import Answer
from ljwx.core.forward.message import watchlist_message
from ljwx.core.forward.scores import RIVALS, Score, scores
from ljwx.core.standing import standing
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.notifications.alerts import send_once
from ljwx.notifications.messages import Alert
from ljwx.services.lines import line_id_of
from ljwx.services.watch import spoken
from ljwx.settings import current_settings
from ljwx.stages.runs import recorded_run
from ljwx.warehouse.promotions import Alias

log = logging.getLogger(__name__)

OFF: Final = "forward.message is off"


def tell_watchlist(session: str) -> int:
    """Send the champion's line's answers about the stocks of the watchlist by the alert channels, once a session.

    What no address took is sent when the task is cleared; nothing fails for it. So is what a killed attempt may have
    sent or not: rather twice than never.

    :return: the stocks that the message is about.
    :raises AirflowSkipException: the settings do not ask for it, or there is nothing to tell; says why.
    """
    wanted, day = current_settings().forward, date.fromisoformat(session)
    if not wanted.message or not wanted.watchlist:
        raise AirflowSkipException(OFF if not wanted.message else "forward.watchlist names no stock")
    warehouse = WarehouseHook()
    with recorded_run(warehouse, session=session) as run:
        champion = warehouse.champion()
        line_id = None if champion is None else line_id_of(warehouse, run.key, champion.model)
        answers = []
        if champion is not None and line_id is not None:
            answers = _answers(warehouse, day, line_id, champion.digest, wanted.watchlist)
        stocks = len({each.ts_code for each in answers})
        if champion is not None and line_id is not None and answers:
            send_once(_message(warehouse, day, answers, champion, line_id))
        run.outputs |= {"stocks": stocks}
    if not stocks:
        raise AirflowSkipException(f"nobody who serves has answered in time about the watchlist as of {session}")
    return stocks


def _answers(warehouse: WarehouseHook, session: date, line_id: str, digest: str, codes: Sequence[str]) -> list[Answer]:
    """Return what a model said in time, or where it said nothing, its line; nothing of a batch not sealed in time."""
    batch = warehouse.forward_batch(session)
    if batch is None or batch.sealed_at is None or batch.sealed_at >= batch.deadline:
        return []
    said = [each for each in warehouse.forward_answers(session) if each.line_id == line_id and not each.late]
    said = [each for each in said if each.digest == digest] or said
    return sorted((each for each in said if each.ts_code in codes), key=lambda each: codes.index(each.ts_code))


def _message(
    warehouse: WarehouseHook, session: date, answers: Sequence[Answer], champion: Alias, line_id: str
) -> Alert:
    names = dict(warehouse.instruments().select("ts_code", "name").iter_rows())
    known = standing(champion.proven, champion.failing)
    body = watchlist_message(session, answers, names, _record(warehouse, line_id, champion.digest), known)
    title = f"ljwx · 自选股 WATCHLIST · {session} · AI 生成 AI-generated"
    return Alert("answers", "ljwx_forward", f"session {session}", "watchlist", title, body, silent=False)


def _record(warehouse: WarehouseHook, line_id: str, digest: str) -> list[Score]:
    """Return the scores of a line over the whole record: of a model where it spoke, else of whichever did."""
    batches, complete = warehouse.forward_batches(), warehouse.complete_sessions()
    days = warehouse.trading_days(batches[0].session, max(batches[-1].session, *complete[-1:]))
    settled = warehouse.settled_record(by_line=True)
    mine, rivals = settled.filter(answerer=line_id), settled.filter(pl.col("answerer").is_in(RIVALS))
    one = pl.concat([spoken(mine, digest), rivals]).with_columns(digest=pl.lit(None, pl.String))
    return [each for each in scores(one, days) if each.answerer == line_id and each.window.name == "all"]
