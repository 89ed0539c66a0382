"""`ljwx doctor`: each line when all is well, and each thing to do with its advice and exit code 4."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from ljwx.cli.app import app
from ljwx.resources import sse_calendar
from ljwx.schedule import SHANGHAI
from ljwx.services.doctor import machine
from support_chain import Chain, Database, connect, evaluation_of
from support_forward import at, stop_clock
from support_ollama import BASE, OllamaServer
from support_postgres import EmbeddedPostgres
from support_rows import add_alias
from support_tasks import TaskRunner
from support_tushare import REPOSITORY, TushareServer

PARTS = (
    "settings", "database", "role", "schema", "clock", "tushare", "tier", "ollama", "base", "champion", "calendar",
    "disk", "pools",
)  # fmt: skip
SOMETIMES = ("terms", "tables", "index", "levels", "include", "servers", "asking", "record", "alerts")
NOWHERE = '{"conn_type": "%s", "host": "127.0.0.1", "port": 9, "schema": "http", "password": "hidden"}'
Doctor = Callable[[], dict[str, dict[str, Any]]]
Years = Callable[[int, int], None]


def today() -> date:
    return datetime.now(SHANGHAI).date()


@pytest.fixture
def years(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Years]:
    """Writes a calendar of so many years before and after this one, one session a year."""
    include = tmp_path / "include"
    (include / "sessions").mkdir(parents=True)
    monkeypatch.setenv("LJWX_INCLUDE", str(include))

    def write(first: int, last: int) -> None:
        this = today().year
        lines = (f"{this + offset}-06-03\n" for offset in range(first, last + 1))
        (include / "sessions" / "sse.txt").write_text("".join(lines))
        sse_calendar.cache_clear()

    yield write
    sse_calendar.cache_clear()


@pytest.fixture
def healthy(
    db: Database, market: TushareServer, ollama_sandbox: OllamaServer, tasks: TaskRunner, years: Years,
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
) -> Database:  # fmt: skip
    """Everything is there, and nothing has run; Airflow's own database is not."""
    monkeypatch.setenv("AIRFLOW_CONN_OLLAMA_DEFAULT", ollama_sandbox.connection)
    monkeypatch.setenv("LJWX_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(machine, "DISK_FREE", 1)
    tasks.variables["ljwx_training_config"] = {"model": {"base": BASE}}
    years(-1, 1)
    return db


@pytest.fixture
def doctor(monkeypatch: pytest.MonkeyPatch) -> Doctor:
    """Runs the command as JSON; the exit code must follow from the findings, and no secret may be told."""
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")

    def run() -> dict[str, dict[str, Any]]:
        done = CliRunner().invoke(app, ["doctor", "--json"])
        found = json.loads(done.stdout)
        assert [each["part"] for each in found if each["part"] not in SOMETIMES] == list(PARTS)
        assert done.exit_code == (4 if any(each["ok"] is False for each in found) else 0)
        assert done.stderr == ""
        assert "hidden" not in done.stdout
        return {each["part"]: each for each in found}

    return run


def care(found: dict[str, dict[str, Any]]) -> dict[str, str]:
    """What has to be done, by part."""
    assert all(bool(each["advice"]) is (each["ok"] is False) for each in found.values()), found
    return {part: each["advice"] for part, each in found.items() if each["ok"] is False}


def test_when_all_is_well_each_line_says_so_and_the_exit_code_is_0(
    healthy: Database, doctor: Doctor, ollama_sandbox: OllamaServer, market: TushareServer, tmp_path: Path
) -> None:
    found = doctor()
    assert care(found) == {}
    assert [part for part, each in found.items() if each["ok"] is None] == ["tier", "champion", "pools"]
    for part, text in (
        ("settings", f"valid: fewshot on {BASE}"),
        ("include", f"from {tmp_path / 'include'}: sessions/sse.txt"),
        ("database", "PostgreSQL 18."),
        ("role", "postgres may write and make the tables"),
        ("schema", "migration 00"),
        ("clock", "s from the database's"),
        ("tushare", f"TuShare answers at {market.url}"),
        ("tier", "no session was fetched yet"),
        ("ollama", f" at {ollama_sandbox.url}"),
        ("base", f"{BASE} is there, digest "),
        ("champion", "none yet; ljwx_model_build makes the first"),
        ("calendar", f"known through {today().year + 1}-12-31, "),
        ("disk", "GiB free for "),
        ("pools", "Airflow's own database was not reached"),
    ):
        assert text in found[part]["found"]
    lines = CliRunner().invoke(app, ["doctor"]).stdout.splitlines()
    marks = {part: "-" if each["ok"] is None else "ok" for part, each in found.items()}
    assert [tuple(line.split()[:2]) for line in lines] == [(mark, part) for part, mark in marks.items()]


def test_files_that_stand_in_for_the_packaged_ones_are_named_and_sql_is_none_of_them(
    healthy: Database, doctor: Doctor, tmp_path: Path
) -> None:
    mine = tmp_path / "include"
    shutil.copytree(REPOSITORY / "include" / "sql", mine / "sql")
    shutil.copytree(REPOSITORY / "include" / "prompts", mine / "prompts")
    (mine / "prompts" / "v1" / "system.txt").write_text("你好", encoding="utf-8")
    unused = "; its sql is not used: SQL comes with the code"
    assert doctor()["include"]["found"] == f"from {mine}: prompts/v1/system.txt, sessions/sse.txt{unused}"


def test_a_folder_of_such_files_that_is_not_there_needs_care(
    healthy: Database, doctor: Doctor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LJWX_INCLUDE", str(tmp_path / "absent"))
    assert care(doctor())["include"] == "make it, or unset LJWX_INCLUDE"


def test_wrong_settings_hide_nothing_else(healthy: Database, doctor: Doctor, tasks: TaskRunner) -> None:
    tasks.variables["ljwx_training_config"] = {"samples": {"horizon": 20}, "model": {"base": BASE}}
    found = doctor()
    assert "gate.block: 10 is less than samples.horizon = 20" in found["settings"]["found"]
    assert care(found)["settings"] == "correct include/training_config.json or the Variable ljwx_training_config"
    assert set(care(found)) == {"settings", "base"}


def test_a_pooler_is_told(healthy: Database, doctor: Doctor, pooled_url: str) -> None:
    found = doctor()
    assert care(found) == {}
    assert found["database"]["found"].endswith(" behind a pooler")


def test_a_database_that_is_not_in_utf8_is_told_with_what_to_do(
    healthy: Database, doctor: Doctor, monkeypatch: pytest.MonkeyPatch, postgres: EmbeddedPostgres
) -> None:
    admin = Database(postgres.url("postgres"))
    with psycopg.connect(admin.url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE in_latin1 ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    try:
        connect(monkeypatch, postgres.url("in_latin1"))
        found = doctor()
        assert "the database in_latin1 has the encoding LATIN1" in found["database"]["found"]
        assert "CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0" in found["database"]["found"]
        assert set(care(found)) == {"database", "role", "schema", "clock", "tier", "champion"}
    finally:
        with psycopg.connect(admin.url, autocommit=True) as connection:
            connection.execute("DROP DATABASE in_latin1 WITH (FORCE)")


def test_a_role_that_may_not_make_next_year_s_tables_is_told(
    healthy: Database, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = healthy.value("SELECT current_database()")
    healthy.execute("CREATE ROLE reader LOGIN PASSWORD 'hidden'")
    try:
        healthy.execute("GRANT USAGE ON SCHEMA ljwx TO reader")
        healthy.execute("GRANT SELECT ON ALL TABLES IN SCHEMA ljwx TO reader")
        healthy.execute(f"REVOKE TEMP ON DATABASE {name} FROM PUBLIC")
        connect(monkeypatch, healthy.url.replace("postgres:for-tests-only", "reader:hidden"))
        found = doctor()
        assert found["role"]["found"] == (
            "reader may not make temporary tables, may not make tables, may not make partitions of tables of another "
            "owner"
        )
        assert set(care(found)) == {"role"}
    finally:
        healthy.execute("DROP OWNED BY reader")
        healthy.execute("DROP ROLE reader")


WAREHOUSE = "see the connection ljwx_postgres, and whether PostgreSQL runs"


@pytest.mark.parametrize("url", ["postgres://postgres:hidden@127.0.0.1:9/none", None])
def test_without_the_database_what_needs_it_says_so(
    healthy: Database, doctor: Doctor, monkeypatch: pytest.MonkeyPatch, url: str | None
) -> None:
    if url is None:
        monkeypatch.delenv("AIRFLOW_CONN_LJWX_POSTGRES")
    else:
        monkeypatch.setenv("AIRFLOW_CONN_LJWX_POSTGRES", url)
    assert care(doctor()) == dict.fromkeys(("database", "role", "schema", "clock", "tier", "champion"), WAREHOUSE)


@pytest.mark.parametrize("version", ["0001", None])
def test_a_missing_migration_is_named_with_the_command(
    healthy: Database, doctor: Doctor, monkeypatch: pytest.MonkeyPatch, postgres: EmbeddedPostgres, version: str | None
) -> None:
    if version is None:
        connect(monkeypatch, postgres.url("postgres"))  # which nobody has migrated
    else:
        healthy.execute("UPDATE ljwx.schema_version SET version_num = %s", version)
    found = doctor()
    assert found["schema"]["found"].startswith(f"migration {version or 'none'} of 00")
    assert care(found)["schema"] == "ljwx migrate"


def test_a_clock_that_is_wrong_is_told_by_how_much(healthy: Database, doctor: Doctor) -> None:
    """The database's says an hour less, by a function of its own that goes before PostgreSQL's."""
    healthy.execute(
        "CREATE FUNCTION public.now() RETURNS timestamptz LANGUAGE sql AS "
        "$$ SELECT pg_catalog.now() - interval '1 hour' $$"
    )
    name = healthy.value("SELECT current_database()")
    healthy.execute(f"ALTER DATABASE {name} SET search_path = public, pg_catalog")
    found = doctor()
    assert care(found) == {"clock": "set the clock by NTP"}
    assert 3595 < float(found["clock"]["found"].split()[0]) < 3660


@pytest.mark.parametrize("kind", ["token", "down"])
def test_a_source_that_does_not_serve_is_named(
    healthy: Database, doctor: Doctor, market: TushareServer, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    connection = NOWHERE % "tushare" if kind == "down" else market.connection(token="hidden-and-unknown")
    monkeypatch.setenv("AIRFLOW_CONN_TUSHARE_DEFAULT", connection)
    assert care(doctor()) == {"tushare": "see the connection tushare_default"}


@pytest.mark.parametrize(
    ("absent", "deferred", "told"),
    [
        ("{}", "{}", "lacked no interface"),
        ("{adj_factor,stk_limit}", "{}", "was fetched without adj_factor, stk_limit: see docs/connections.md"),
        ("{adj_factor,stk_limit}", "{adj_factor}", "was fetched without adj_factor (for now), stk_limit: see"),
    ],
)
def test_what_the_tier_lacked_is_told_and_is_no_fault(
    healthy: Database, doctor: Doctor, absent: str, deferred: str, told: str
) -> None:
    run = healthy.insert("INSERT INTO ljwx.runs (dag_id, run_id, task_id) VALUES ('t', 't', 't') RETURNING run_key")
    healthy.execute(
        "INSERT INTO ljwx.ingest_days "
        "(session, complete, expected, received, quarantined, suspended, absent, deferred, run_key) "
        "VALUES ('2026-03-02', true, 3, 3, 0, 0, %s, %s, %s)", absent, deferred, run,
    )  # fmt: skip
    found = doctor()
    assert care(found) == {}
    assert found["tier"]["ok"] is True
    assert told in found["tier"]["found"]


def with_lists(db: Database, *days: str, until: str = "2026-03-02") -> None:
    """One complete session, and lists of an index."""
    run = db.insert("INSERT INTO ljwx.runs (dag_id, run_id, task_id) VALUES ('i', 'i', 'i') RETURNING run_key")
    for session in ("2025-06-02", until):
        db.execute(
            "INSERT INTO ljwx.ingest_days (session, complete, expected, received, quarantined, suspended, run_key) "
            "VALUES (%s, true, 3, 3, 0, 0, %s)", session, run,
        )  # fmt: skip
    for day in days:
        db.execute(
            "INSERT INTO ljwx.index_members (index_code, session, ts_code, revision, weight, run_key) "
            "VALUES ('000300.SH', %s, '000001.SZ', 1, 100, %s)", day, run,
        )  # fmt: skip


LISTS = "run ljwx_daily_ingest over the dates, which fetches the lists while the setting is in force, "


@pytest.mark.parametrize(
    ("days", "ok", "told"),
    [
        (["2025-12-30"], True, "is of 2025-12-30; 1 of 2 complete sessions have none that is valid"),
        (["2025-05-30", "2026-02-27"], True, "is of 2026-02-27; 0 of 2 complete sessions have none that is valid"),
        (["2025-12-29"], False, "is of 2025-12-29, too old for the session 2026-03-02"),
        (["2025-05-30"], False, "is of 2025-05-30, too old for the session 2026-03-02"),
        ([], False, "no list of members of 000300.SH is there"),
    ],
)
def test_an_index_without_a_valid_list_is_told_with_what_brings_one(
    healthy: Database, doctor: Doctor, tasks: TaskRunner, days: list[str], ok: bool, told: str
) -> None:
    index = {"samples": {"universe": {"index": "000300.SH"}}}
    tasks.variables["ljwx_training_config"] = {"model": {"base": BASE}, **index}
    with_lists(healthy, *days)
    found = doctor()
    assert told in found["index"]["found"]
    assert found["index"]["ok"] is ok
    assert {part: advice.startswith(LISTS) for part, advice in care(found).items()} == ({} if ok else {"index": True})


def test_an_index_is_looked_at_only_where_the_settings_name_one(
    healthy: Database, doctor: Doctor, tasks: TaskRunner
) -> None:
    with_lists(healthy)
    assert "index" not in doctor()
    tasks.variables["ljwx_training_config"] |= {"samples": {"universe": {"index": "000905.SH"}}}
    healthy.execute("UPDATE ljwx.ingest_days SET complete = false")
    found = doctor()
    assert care(found) == {}
    assert found["index"]["found"] == "000905.SH: no session is complete yet"


def test_levels_of_indexes_are_told_and_their_absence_asks_for_nothing(healthy: Database, doctor: Doctor) -> None:
    assert "levels" not in doctor(), "no session is complete"
    with_lists(healthy)
    found = doctor()
    assert care(found) == {}
    assert (found["levels"]["ok"], found["levels"]["found"]) == (
        None,
        "000300.SH of 2026-03-02 is not there: the record is shown without it, and nothing waits for it",
    )
    healthy.execute(
        "INSERT INTO ljwx.index_bars (session, ts_code, revision, close, run_key) "
        "SELECT '2026-03-02', '000300.SH', 1, 4000, min(run_key) FROM ljwx.runs"
    )
    told = doctor()["levels"]
    assert (told["ok"], told["found"]) == (True, "000300.SH of 2026-03-02 is there")


def test_levels_that_a_feature_group_tells_of_are_said_to_be_waited_for(
    healthy: Database, doctor: Doctor, tasks: TaskRunner
) -> None:
    with_lists(healthy)
    tasks.variables["ljwx_training_config"] |= {
        "samples": {"feature_groups": ["technical", "index"]}, "ingest": {"indexes": ["000300.SH", "000905.SH"]},
    }  # fmt: skip
    assert doctor()["levels"]["found"] == (
        "000300.SH, 000905.SH of 2026-03-02 is not there: the record is shown without it, "
        "and ljwx_forward waits for 000300.SH up to 90 minutes"
    )


def test_a_model_server_that_is_down_is_named(
    healthy: Database, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_OLLAMA_DEFAULT", NOWHERE % "ollama")
    advice = "see the connection ollama_default, and whether Ollama runs"
    assert care(doctor()) == {"ollama": advice, "base": advice}


def test_a_base_that_is_not_there_is_pulled_by_the_next_build(
    healthy: Database, doctor: Doctor, tasks: TaskRunner
) -> None:
    tasks.variables["ljwx_training_config"] = {"model": {"base": "nobody-has:this"}}
    found = doctor()
    assert care(found) == {}
    assert found["base"]["found"].startswith("nobody-has:this is not on the server: the next build pulls it")


def test_a_champion_that_is_not_served_is_named_with_the_command(
    healthy: Database, doctor: Doctor, ollama_sandbox: OllamaServer
) -> None:
    digest = {tag["name"]: tag["digest"] for tag in ollama_sandbox.get("tags")["models"]}[BASE]
    healthy.execute("ALTER TABLE ljwx.aliases DROP CONSTRAINT aliases_model_fkey")
    add_alias(healthy, BASE, digest=digest)
    ollama_sandbox.delete("ljwx-stock:latest")
    found = doctor()
    assert found["champion"]["found"] == f"ljwx-stock:latest is missing, not {BASE}"
    assert care(found)["champion"] == f"ollama cp {BASE} ljwx-stock:latest"
    assert ollama_sandbox.post("copy", {"source": BASE, "destination": "ljwx-stock:latest"}).ok
    try:
        assert doctor()["champion"]["found"] == f"{BASE} is served as ljwx-stock:latest, unproven"
        # Served still, and its own name lost: every build fails that wants to ask it.
        healthy.execute("UPDATE ljwx.aliases SET model = 'ljwx-stock:own'")
        found = doctor()
        assert found["champion"]["found"] == f"ljwx-stock:own is missing, not {digest[:12]}"
        assert care(found) == {"champion": "ollama cp ljwx-stock:latest ljwx-stock:own"}
        healthy.execute("UPDATE ljwx.aliases SET digest = repeat('0', 64), model = %s", BASE)
        found = doctor()
        assert found["champion"]["found"] == f"{BASE} is {digest[:12]}, not 000000000000"
        assert care(found)["champion"].startswith("clear build_model alone of the run that made it, or ljwx rollback; ")
    finally:
        ollama_sandbox.delete("ljwx-stock:latest")


def test_a_champion_that_did_not_pass_its_last_verification_is_told(
    chain_db: Database, chain: Chain, doctor: Doctor, market: TushareServer, ollama_sandbox: OllamaServer
) -> None:
    model = chain.plan["model"]
    add_alias(chain_db, model)
    assert ollama_sandbox.post("copy", {"source": model, "destination": "ljwx-stock:latest"}).ok
    try:
        assert doctor()["champion"]["found"] == f"{model} is served as ljwx-stock:latest, unproven"
        chain_db.execute("UPDATE ljwx.models SET verified = NULL")
        found = doctor()
        told = f"{model} is served as ljwx-stock:latest, and did not pass its last verification"
        assert found["champion"]["found"] == told
        assert care(found)["champion"].startswith("ljwx report tells the reason; then clear verify_model of its run")
    finally:
        ollama_sandbox.delete("ljwx-stock:latest")


def test_of_several_servers_the_one_that_lacks_a_model_or_does_not_answer_is_named(
    chain_db: Database, chain: Chain, doctor: Doctor, ollama_sandbox: OllamaServer, tasks: TaskRunner,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    tasks.variables["ljwx_training_config"] = {"evaluation": {"servers": ["ollama_default", "ollama_second"]}}
    monkeypatch.setenv("AIRFLOW_CONN_OLLAMA_SECOND", NOWHERE % "ollama")
    found = doctor()
    assert found["servers"]["found"].startswith("ollama_second: no complete answer from http://127.0.0.1:9")
    assert care(found)["servers"].startswith("build or copy the models there, or take the server out of evaluation.s")
    monkeypatch.setenv("AIRFLOW_CONN_OLLAMA_SECOND", ollama_sandbox.connection)
    assert doctor()["servers"]["found"] == "2 are named; there is no champion yet to have"
    add_alias(chain_db, chain.plan["model"])
    assert doctor()["servers"]["found"] == f"ollama_default, ollama_second have {chain.plan['model']} and {BASE}"
    chain_db.execute("UPDATE ljwx.models SET base_digest = repeat('0', 64)")
    assert f"ollama_second: {BASE} on {ollama_sandbox.url} is another model by now" in doctor()["servers"]["found"]
    tasks.variables["ljwx_training_config"] = {"evaluation": {"servers": ["ollama_default"]}}
    assert "servers" not in doctor()


def test_how_long_the_questions_take_is_told_by_how_fast_the_last_ones_were_answered(
    chain_db: Database, chain: Chain, doctor: Doctor, ollama_sandbox: OllamaServer, tasks: TaskRunner,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    assert "asking" not in doctor()
    tasks.variables["ljwx_training_config"] = {"evaluation": {"questions": 240, "class_questions": 6000}}
    evaluation = evaluation_of(chain_db, chain, chain.plan["model"])
    chain_db.execute(
        "INSERT INTO ljwx.answers (evaluation_id, sample_id, raw, valid, reason, latency_s, prompt_tokens, "
        "answer_tokens) SELECT %s, sample_id, '', false, 'x', 10, 1, 1 FROM ljwx.questions", evaluation,
    )  # fmt: skip
    assert doctor()["asking"]["found"] == "240 questions in full take a model about 40 min on 1 server, 1 at a time"
    chain_db.execute(
        "INSERT INTO ljwx.class_answers (evaluation_id, sample_id, probabilities, server, latency_s, prompt_tokens, "
        "answer_tokens) SELECT %s, sample_id, '{}', 'x', 0.5, 1, 1 FROM ljwx.questions", evaluation,
    )  # fmt: skip
    monkeypatch.setenv(
        "AIRFLOW_CONN_OLLAMA_DEFAULT", json.dumps(json.loads(ollama_sandbox.connection) | {"extra": {"parallel": 4}})
    )
    # Four questions of classes were all there were to ask.
    assert doctor()["asking"]["found"] == (
        "240 questions in full and 4 of classes take a model about 10 min on 1 server, 4 at a time"
    )


def test_whether_the_record_s_questions_fit_before_the_deadline_is_said_by_the_pace_of_last_time(
    chain_db: Database, doctor: Doctor, tasks: TaskRunner
) -> None:
    assert "record" not in doctor()
    friday = date(2026, 3, 20)
    stop_clock(chain_db.url, at(friday, 19))
    chain_db.execute(
        "INSERT INTO ljwx.forward_batches (session, deadline, dataset_id, spec, fit, run_key) "
        "SELECT %s, %s, 'ds', '{}', '{}', min(run_key) FROM ljwx.runs", friday, at(friday, 9, 15, days=3),
    )  # fmt: skip
    chain_db.execute(
        "INSERT INTO ljwx.forward_answers (session, ts_code, task, answerer, digest, snapshot_sha256, classes, reason, "
        "latency_s, run_key) SELECT %s, n::text, 'price_direction', 'base', 'd', '', '{up}', 'no_class', 6, "
        "min(run_key) FROM ljwx.runs, generate_series(1, 10) n GROUP BY n", friday,
    )  # fmt: skip
    tasks.variables["ljwx_training_config"] = {"forward": {"stocks": 100}}
    found = doctor()["record"]
    assert found["found"] == (
        "100 stocks take 2 models about 20 min at the pace of last time, 1 at a time; there are 11.0 h before the "
        "deadline"
    )  # The base was asked last time; tonight one of ours is as well.
    assert found["ok"]
    tasks.variables["ljwx_training_config"] = {"forward": {"stocks": 9000}}
    found = doctor()
    assert found["record"]["found"].startswith("9000 stocks take 2 models about 30.0 h")
    assert care(found)["record"].startswith("lower forward.stocks")


def test_a_calendar_that_ends_is_told_with_the_command(healthy: Database, doctor: Doctor, years: Years) -> None:
    years(-2, -1)
    found = doctor()
    assert care(found) == {
        "calendar": "ljwx sessions refresh, once the exchange has published the next year; restart Airflow then"
    }
    days = (date(today().year - 1, 12, 31) - today()).days
    assert found["calendar"]["found"] == f"known through {today().year - 1}-12-31, {days} days"


def test_a_full_disk_is_told_with_what_makes_room(
    healthy: Database, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "DISK_FREE", 1 << 60)
    assert care(doctor()) == {"disk": "make room, or run ljwx_cleanup with dry_run false"}


def test_an_object_store_has_no_disk_to_look_at(
    healthy: Database, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LJWX_DATA", "s3://bucket/ljwx")
    assert doctor()["disk"] == {"part": "disk", "ok": None, "found": "files are at s3://bucket/ljwx", "advice": ""}


AIRFLOW = """
import sys, json
from airflow.models import Connection, Variable
from airflow.models.pool import Pool
from airflow.utils.db import initdb
from airflow.utils.session import create_session
initdb()
with create_session() as session:
    for name, text in json.loads(sys.argv[1]).items():
        connection = Connection.from_json(text, name) if text.startswith("{") else Connection(name, uri=text)
        session.add(connection)
    session.add(Pool(pool="ljwx_tushare", slots=1, description="", include_deferred=False))
Variable.set("ljwx_training_config", sys.argv[2])
"""


def test_connections_settings_and_pools_of_airflows_own_database_are_found(
    db: Database, market: TushareServer, ollama_sandbox: OllamaServer, tmp_path: Path
) -> None:
    """One pool is missing, so that the exit code shows that it was looked for."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW_", "_AIRFLOW"))},
        "AIRFLOW_HOME": str(tmp_path), "AIRFLOW__CORE__LOAD_EXAMPLES": "False", "LJWX_DATA": str(tmp_path),
    }  # fmt: skip
    connections = {
        "ljwx_postgres": db.url.replace("postgresql://", "postgres://"),
        "tushare_default": market.connection(), "ollama_default": ollama_sandbox.connection,
    }  # fmt: skip
    settings = json.dumps({"model": {"base": BASE}})

    def python(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *words], env=environment, capture_output=True, text=True, check=False, timeout=240
        )

    made = python("-c", AIRFLOW, json.dumps(connections), settings)
    assert made.returncode == 0, made.stderr
    done = python("-m", "ljwx.cli", "doctor", "--json")
    found = {each["part"]: each for each in json.loads(done.stdout)}
    assert done.returncode == 4, found
    assert [found[part]["ok"] for part in ("settings", "database", "schema", "tushare", "ollama", "base")] == [True] * 6
    assert found["settings"]["found"] == f"valid: fewshot on {BASE}"
    assert found["pools"]["found"] == "missing: ljwx_ollama, ljwx_training; their tasks would wait for ever"
    advice = "airflow pools set ljwx_ollama 1 ljwx; airflow pools set ljwx_training 1 ljwx --include-deferred"
    assert found["pools"]["advice"] == advice
