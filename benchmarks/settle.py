"""Settling the forward record on the embedded PostgreSQL: what came true of a month of whole-market answers.

The bars of 24 sessions with 5,400 stocks each are in the warehouse, and the answers of one answerer to two tasks on
the first 18, sealed in the evening of each as real ones are. Everything from finding what is due to the last outcome
written is counted.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from datetime import date
from itertools import islice, pairwise
from types import MappingProxyType
from typing import Any

import polars as pl
import psycopg

from benchmarks.warehouse import ROWS, running_warehouse, session_bars

FIRST, DAYS, ASKED = date(2026, 1, 5), 24, 18
TASKS = ("price_direction", "investment_advice")
RATES: Mapping[str, str | None] = MappingProxyType({"class_rates": None})
CLOCK = """
CREATE OR REPLACE FUNCTION ljwx.forward_clock() RETURNS timestamptz LANGUAGE sql VOLATILE
    SET search_path = pg_catalog AS 'SELECT timestamptz ''{0} 19:00:00+08'' '
"""
BATCH = """
INSERT INTO ljwx.forward_batches (session, deadline, dataset_id, spec, fit, run_key)
VALUES (%s::date, (%s::date + time '09:15') AT TIME ZONE 'Asia/Shanghai', 'bench',
        '{"horizon": 5, "exit_roll": 1, "costs": {}}', '{}', %s)
"""
ANSWERS = """
INSERT INTO ljwx.forward_answers
    (session, ts_code, task, answerer, digest, snapshot_sha256, classes, probabilities, run_key)
SELECT session, ts_code, task, %s, digest, '', '{a,b,c}', jsonb_build_object('a', a, 'b', 0.75 - a, 'c', 0.25), %s
FROM (SELECT session, ts_code, task, digest,
             CASE WHEN digest IS NULL THEN 0.5
                  ELSE 0.25 + 0.01 * abs(hashtext(ts_code || session || task) %% 40) END AS a
      FROM ljwx.bars, unnest(%s::text[]) AS task, CAST(%s AS text) AS digest WHERE session = %s) said
"""
"""A rule says the same of each stock; what a model says differs, and has nothing to do with what came."""


def settle_rows_per_s(runs: int = 3) -> dict[str, Any]:
    """Outcomes settled a second: bars read, labelled, compared with what was known, and written."""
    rates = []
    for _ in range(runs):
        with running_warehouse() as url:
            warehouse, key = filled(url)
            from ljwx.stages.forward.settle import settle_due

            begin = time.perf_counter()
            counts = settle_due(warehouse, key)
            rates.append(counts["new"] / (time.perf_counter() - begin))
            if counts["new"] < 0.9 * ASKED * ROWS * len(TASKS):
                raise RuntimeError(f"{counts} were settled")
    value = statistics.median(rates)
    return {"value": value, "unit": "/s", "ours": value, "peer": 0.0, "runs": runs, "note": f"{counts['new']} outcomes"}


def filled(url: str, answerers: Mapping[str, str | None] = RATES) -> tuple[Any, int]:
    """Return a warehouse with bars and a record, and the key of its run.

    :param answerers: by name their digests; None of a rule.
    """
    from ljwx.hooks.warehouse import WarehouseHook
    from ljwx.resources import sse_calendar
    from ljwx.warehouse.market.bars import IngestDay
    from ljwx.warehouse.runs import RunRef

    warehouse = WarehouseHook()
    key = warehouse.start_run(RunRef("bench", "bench", "settle"))
    days = sse_calendar().between(FIRST, date(2026, 6, 30))[:DAYS]
    for day in days:
        bars = session_bars(day).with_columns(up_limit=pl.lit(None, pl.Float64), down_limit=pl.lit(None, pl.Float64))
        bars = bars.with_columns(pre_close="close", low="close", high=pl.col("close") * 1.01)
        warehouse.save_day(key, IngestDay(day, True, expected=ROWS, received=ROWS, quarantined=0, suspended=0), bars)
    listed = bars.select("ts_code", list_status=pl.lit("L"), list_date=pl.lit(date(2000, 1, 4)))
    warehouse.save_instruments(key, listed)
    with psycopg.connect(url, autocommit=True) as connection:
        for day, after in islice(pairwise(days), ASKED):
            connection.execute(CLOCK.format(day))
            connection.execute(BATCH, (day, after, key))
            for name, digest in answerers.items():
                connection.execute(ANSWERS, (name, key, list(TASKS), digest, day))
            warehouse.seal_batch(day)
    return warehouse, key
