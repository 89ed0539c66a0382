"""What a run of the record comes to when asking fails: Airflow's own scheduling decides, in one process."""

from __future__ import annotations

import subprocess
from collections import Counter
from datetime import date

from ljwx.hooks.warehouse import WarehouseHook
from ljwx.stages.forward.opening import deadline_of
from ljwx.warehouse.forward import NewAnswer, NewBatch
from ljwx.warehouse.runs import RunRef
from support_chain import LAST, Database
from support_dags import ended
from support_forward import at, stop_clock

SESSION = date.fromisoformat(LAST)
UNREADABLE = {"horizon": 5, "flat_band": "wide"}
SAID = NewAnswer(
    SESSION, "000001.SZ", "price_direction", "class_rates", None, None, "s" * 64, ("up", "flat", "down"),
    {"up": 0.5, "flat": 0.3, "down": 0.2},
)  # fmt: skip


def test_what_was_answered_is_sealed_when_asking_fails_and_a_skipped_session_fails_nothing(
    airflow: subprocess.Popen[str], chain_db: Database
) -> None:
    """A spec that cannot be read fails the asking for good; a rule has answered by then, and it is time to seal."""
    hook = WarehouseHook()
    key = hook.start_run(RunRef("tests", "one", "forward"))
    stop_clock(chain_db.url, at(SESSION, 19))
    hook.open_batch(key, NewBatch(SESSION, deadline_of(SESSION), "ds", UNREADABLE, {"numbers": {}}))
    hook.save_forward_answer(key, SAID)
    stop_clock(chain_db.url, at(SESSION, 6, days=1))
    state, tasks = ended(airflow, "ljwx_forward", {})
    assert tasks["ask_session"] == Counter(failed=1)
    assert tasks["seal_session"] == Counter(success=1)
    assert (state, tasks["whole"]) == ("failed", Counter(upstream_failed=1))
    (batch,) = hook.forward_batches()
    assert (batch.answers, batch.sealed_at) == (1, at(SESSION, 6, days=1))
    state, tasks = ended(airflow, "ljwx_forward", {})
    assert state == "success"
    assert {name for name, states in tasks.items() if states == Counter(skipped=1)} == {
        "open_session", "ask_session", "seal_session", "watch_champion", "look_at_record", "report_look", "whole",
        "write_month", "tell_watchlist",
    }  # fmt: skip
