"""A market stepped through: the record fills by the clock of the sandbox's own database, and by no other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import psycopg
import pytest

from ljwx.services.record import export_record, verify_record
from ljwx_sandbox.clock import DatabaseClock, library
from ljwx_sandbox.live.live import Live
from ljwx_sandbox.live.plan import LivePlan
from ljwx_sandbox.live.servers import Peers
from ljwx_sandbox.ollama.engines.forecasting import ForecastingEngine
from ljwx_sandbox.postgres import EmbeddedPostgres
from ljwx_sandbox.settings import SandboxError
from support_chain import Database
from support_postgres import free_port, open_folder

EVENING = datetime(2026, 3, 2, 10, 30, tzinfo=timezone.utc)
SMALL = LivePlan(sessions=8, stocks=40, tasks=("price_direction",), history=(date(2025, 8, 1), date(2026, 1, 30)))


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


def up_share(engine: ForecastingEngine, rank: int, seed: int) -> float:
    prompt = engine.tokenize(f"排名 5日{rank} 20日50")
    schema = {"type": "string", "enum": ["up", "flat", "down"], "x-guidance": {"whitespace_flexible": False}}
    pieces = list(
        engine.complete({"prompt": prompt, "n_predict": 9, "n_probs": 5, "seed": seed, "json_schema": schema})
    )
    (told,) = (each.logprobs[0] for each in pieces if each.logprobs and "up" in str(each.logprobs[0]))
    return float(next(each["logprob"] for each in told["top_logprobs"] if each["token"] == "up"))


def test_a_skilled_model_reads_the_planted_effect_and_one_that_lost_its_skill_does_not() -> None:
    skills = {7: 1.0}
    engine = ForecastingEngine(4096, skills)
    assert up_share(engine, 5, 7) > up_share(engine, 50, 7) > up_share(engine, 95, 7)
    skills[7] = 0.0
    lost = [up_share(engine, rank, 7) for rank in range(5, 100, 5)]
    assert lost != sorted(lost, reverse=True)


@contextmanager
def stepped(folder: Path, plan: LivePlan, said: list[str]) -> Iterator[Peers]:
    live = Live(folder, "for-tests-only", plan, said.append)
    with live.running() as peers:
        live.run(peers)
        yield peers


@pytest.mark.market
def test_the_record_fills_by_that_clock_and_goes_on_where_it_was_broken_off(folder: Path) -> None:
    said: list[str] = []
    with stepped(folder / "live", SMALL, said):
        pass
    more = LivePlan(**{**vars(SMALL), "sessions": 9})
    told = len(said)
    with stepped(folder / "live", more, said) as peers:
        db = Database(peers.url)
        exported = export_record(folder / "record.parquet")
        verified = verify_record(folder / "record.parquet", exported.head)
    assert len(said) == told + 1
    assert (verified.sessions, verified.problems, verified.late) == (9, (), 0)
    assert db.url == peers.url
