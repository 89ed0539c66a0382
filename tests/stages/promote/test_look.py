"""A look at the forward record by itself: who waits there is promoted, served and reported."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from ljwx.assets import MODEL
from ljwx.core.promotions.judging import PREDICTED, RETURNS
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.stages.promote.decision import decide_promotion
from ljwx.stages.promote.record import look_at_record
from ljwx.stages.promote.report import report_look
from ljwx.warehouse.forward import NewBatch
from ljwx.warehouse.lines import SessionEvidence, Statistic
from support_chain import Chain, Database
from support_decisions import LATEST, OTHER, answered, digests, promotions, three_lines
from support_forward import at, stop_clock
from support_ollama import OllamaServer
from support_tasks import TaskRunner

AFTER = 40
"""Sessions that came after the lines were opened."""


@pytest.fixture
def waiting(chain_db: Database, chain: Chain, tasks: TaskRunner, server: OllamaServer) -> list[date]:
    """Two lines were decided on for want of evidence, and a record has begun; return the complete sessions."""
    three_lines(chain_db, chain, server)
    tasks.run(decide_promotion, *answered(chain_db, chain, chain.plan["model"], right=4))
    warehouse = WarehouseHook()
    days = warehouse.complete_sessions()
    stop_clock(chain_db.url, at(days[-1], 19))
    (dataset,) = chain_db.rows("SELECT spec, fit FROM ljwx.datasets")
    warehouse.open_batch(1, NewBatch(days[-1], at(days[-1], 9, 15, days=3), chain.dataset_id, **dataset))
    chain_db.execute("UPDATE ljwx.datasets SET last_session = %s", days[-AFTER])
    for table in ("models", "evaluations", "aliases"):  # the copy on the server has the challenger's
        chain_db.execute(f"UPDATE ljwx.{table} SET digest = repeat('f', 64) WHERE model = %s", OTHER)
    return days


def noted(chain: Chain, days: list[date], rank_ic: float) -> None:
    """What sessions of the record said about the model and the champion, as looks before have noted it."""
    warehouse = WarehouseHook()
    ours, theirs = (known.line_id for name in (chain.plan["model"], OTHER) if (known := warehouse.model(name)))
    assert ours is not None
    assert theirs is not None

    def row(at: int, task: str, statistic: Statistic, value: float) -> SessionEvidence:
        models = chain.plan["model"], OTHER
        return SessionEvidence(ours, theirs, days[at], task, statistic, value, 1.0, 80, days[at + 5], *models, "record")

    known = range(len(days) - 6)
    warehouse.save_evidence(1, [row(at, task, "rank_ic", rank_ic * (1 + at % 3)) for at in known for task in RETURNS])
    warehouse.save_evidence(1, [row(at, task, "brier", 0.001 * (at % 3)) for at in known for task in PREDICTED])


def test_a_challenger_that_waits_is_promoted_served_and_reported_by_the_record_alone(
    chain_db: Database, chain: Chain, tasks: TaskRunner, server: OllamaServer, waiting: list[date]
) -> None:
    model, decisions = chain.plan["model"], len(promotions(chain_db))
    noted(chain, waiting, 0.1)
    found = tasks.run(look_at_record)
    assert (found["model"], found["verdict"]) == (model, "promoted")
    assert promotions(chain_db)[decisions:] == [
        {"challenger": model, "champion": OTHER, "verdict": "promoted", "promoted": True}
    ]
    assert digests(server)[LATEST] == digests(server)[model]
    assert (tasks.outlets[MODEL].extra, tasks.outlets[MODEL].partitions[-1]) == (found, "latest")
    decision: dict[str, Any] = chain_db.rows("SELECT evidence FROM ljwx.promotions ORDER BY promotion_id DESC")[0]
    (source,) = decision["evidence"]["sources"]
    assert (source["source"], source["last"]) == ("record", str(waiting[-7]))
    assert decision["evidence"]["session"] == str(waiting[-1])
    assert tasks.run(report_look, found["promotion_id"]).endswith("report.html")


@pytest.mark.parametrize("rank_ic", [0.0, -0.1])
def test_a_look_that_promotes_nobody_is_counted_and_writes_no_decision(
    chain_db: Database, chain: Chain, tasks: TaskRunner, waiting: list[date], rank_ic: float
) -> None:
    before = promotions(chain_db)
    noted(chain, waiting, rank_ic)
    with pytest.raises(AirflowSkipException, match=f"no challenger is shown to be better than {OTHER}"):
        tasks.run(look_at_record)
    assert promotions(chain_db) == before
    assert waiting[-1] in chain_db.column("SELECT session FROM ljwx.line_looks")


def test_without_a_champion_or_a_record_nothing_is_looked_at(
    chain_db: Database, chain: Chain, tasks: TaskRunner
) -> None:
    with pytest.raises(AirflowSkipException, match="no champion yet, or no forward record"):
        tasks.run(look_at_record)
