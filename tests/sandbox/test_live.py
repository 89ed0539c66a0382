"""A market stepped through: the record fills by the clock of the sandbox's own database, and by no other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import polars as pl
import psycopg
import pytest

from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.record import export_record, verify_record
from ljwx_sandbox.clock import DatabaseClock, library
from ljwx_sandbox.live.live import Live
from ljwx_sandbox.live.plan import LivePlan
from ljwx_sandbox.live.servers import Peers
from ljwx_sandbox.ollama.engines.forecasting import ForecastingEngine
from ljwx_sandbox.ollama.engines.pieces import OWN_SEED
from ljwx_sandbox.postgres import EmbeddedPostgres
from ljwx_sandbox.settings import SandboxError
from support_chain import Database
from support_ports import free_port
from support_postgres import open_folder

EVENING = datetime(2026, 3, 2, 10, 30, tzinfo=timezone.utc)
FEW = 6


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with open_folder() as found:
        found.chmod(0o755)
        yield found


def test_only_the_database_goes_by_its_clock_which_can_be_moved_on(folder: Path) -> None:
    clock = DatabaseClock(folder / "clock")
    clock.set(EVENING)
    server = EmbeddedPostgres(folder / "postgres", free_port(), "for-tests-only", durable=False, clock=clock)
    server.start()
    try:
        with psycopg.connect(server.url("warehouse"), autocommit=True) as connection:
            for moment in (EVENING, EVENING + timedelta(days=30)):
                clock.set(moment)
                (now,) = connection.execute("SELECT clock_timestamp()").fetchone() or (None,)
                assert now is not None
                assert timedelta(0) <= now - moment < timedelta(minutes=1)
        assert abs(datetime.now(timezone.utc) - now) > timedelta(days=1)
    finally:
        server.stop()


def test_without_libfaketime_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LJWX_FAKETIME", "/nowhere/libfaketime.so.1")
    with pytest.raises(SandboxError, match="pip install libfaketime"):
        library()


def up_share(engine: ForecastingEngine, rank: int, **made: int) -> float:
    """How likely an engine takes the first class for a stock of this rank; `made` tells which model is asked."""
    prompt = engine.tokenize(f"排名 5日{rank} 20日50")
    schema = {"type": "string", "enum": ["up", "flat", "down"], "x-guidance": {"whitespace_flexible": False}}
    pieces = list(
        engine.complete({"prompt": prompt, "n_predict": 9, "n_probs": 5, "seed": 7, "json_schema": schema} | made)
    )
    (told,) = (each.logprobs[0] for each in pieces if each.logprobs and "up" in str(each.logprobs[0]))
    return float(next(each["logprob"] for each in told["top_logprobs"] if each["token"] == "up"))


def test_a_skilled_model_reads_the_planted_effect_and_one_that_lost_its_skill_does_not() -> None:
    skills = {7: 1.0}
    engine = ForecastingEngine(4096, skills)
    own = {OWN_SEED: 7}
    assert up_share(engine, 5, **own) > up_share(engine, 50, **own) > up_share(engine, 95, **own)
    untuned = [up_share(engine, rank) for rank in range(5, 100, 5)]
    assert untuned != sorted(untuned, reverse=True)
    skills[7] = 0.0
    lost = [up_share(engine, rank, **own) for rank in range(5, 100, 5)]
    assert lost != sorted(lost, reverse=True)
    assert lost != untuned


@contextmanager
def stepped(folder: Path, plan: LivePlan, said: list[str]) -> Iterator[Peers]:
    live = Live(folder, "for-tests-only", plan, said.append)
    with live.running() as peers:
        live.run(peers)
        yield peers


def rank_ic(settled: pl.DataFrame, model: str) -> float:
    """The mean over the sessions of the rank correlation of P(up) - P(down) with what came."""
    said = pl.col("probabilities").list
    rows = settled.filter(pl.col("excess").is_not_null(), answerer=model, task="price_direction")
    each = pl.corr(said.get(0) - said.get(2), "excess", method="spearman")
    return float(rows.group_by("session").agg(each.alias("ic"))["ic"].mean())  # type: ignore[arg-type]


def verified(folder: Path, sessions: int) -> None:
    """See that the record has each session, nothing late, and no link that does not hold."""
    exported = export_record(folder / "record.parquet")
    found = verify_record(folder / "record.parquet", exported.head)
    assert (found.sessions, found.problems, found.gaps, found.late) == (sessions, (), (), 0)


@pytest.mark.market
def test_broken_off_it_goes_on_where_it_was(folder: Path) -> None:
    plan, said = replace(LivePlan(), sessions=FEW), list[str]()
    with stepped(folder / "short", replace(plan, sessions=FEW // 2), said):
        told = len(said)
        assert all(line.endswith("watch -") for line in said[-FEW // 2 :])
    with stepped(folder / "short", plan, said):
        assert len(said) == told + FEW - FEW // 2
        verified(folder, FEW)


@pytest.mark.market
@pytest.mark.timeout(3600)
def test_within_sixty_sessions_the_record_alone_promotes_who_is_better(folder: Path, long_range: bool) -> None:
    """One model decays, and the watch finds it; the other is promoted; the months that are over have their pages."""
    if not long_range:
        pytest.skip("steps sixty sessions: make test-long")
    plan, said = LivePlan(), list[str]()
    with stepped(folder / "live", plan, said) as peers:
        verified(folder, plan.sessions)
        new = decided(Database(peers.url), said[-plan.sessions :], plan)
        pages = sorted((folder / "live" / "data" / "forward" / "months").glob("*.html"))
        assert [page.stem for page in pages] == ["2026-02", "2026-03"]
        assert new in pages[-1].read_text(encoding="utf-8")


def decided(db: Database, nights: list[str], plan: LivePlan) -> str:
    """What the record has led to, which is looked at in all that it wrote; return the promoted model."""
    warehouse = WarehouseHook()
    champion, (alarm,), settled = warehouse.champion(), warehouse.alarms(is_open=False), warehouse.settled_record()
    past = db.rows("SELECT challenger, verdict FROM ljwx.promotions ORDER BY promotion_id")
    old, new = [row["challenger"] for row in past[:2]]
    assert champion is not None
    rang = next(at for at, line in enumerate(nights, 1) if "watch skill" in line)
    promoted = next(at for at, line in enumerate(nights, 1) if "promoted" in line)
    assert plan.lost_at < rang < promoted <= plan.sessions
    assert (alarm.check, alarm.model, alarm.done, alarm.ended is not None) == ("skill", old, "marked", True)
    assert [row["verdict"] for row in past] == ["first_champion", "kept_champion", "promoted"]
    assert (champion.model, past[2]["challenger"]) == (new, new)
    sources = "SELECT DISTINCT source FROM ljwx.line_evidence WHERE statistic = 'rank_ic'"
    assert db.column(sources) == ["record"]
    assert abs(rank_ic(settled, "smollm2:135m")) < 0.1 < rank_ic(settled, old) < rank_ic(settled, new)
    return str(new)
