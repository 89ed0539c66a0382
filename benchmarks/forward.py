"""The forward record's night on servers that take a fixed time to answer: one of several slots, and two servers.

What is measured is what the product adds: a slot sleeps, then answers by its script. Everything else is as in a night:
prompts, probabilities, the look at the tag after each answer, and PostgreSQL, which dates each answer before its slot
is asked again. Both our model and its untuned base answer. Each run is about a session of its own.
"""

from __future__ import annotations

import os
import statistics
import time
from datetime import date, datetime, timedelta
from typing import Any

from benchmarks.asking import SCRIPTED, SECONDS, SLOTS, posted, sent_bodies
from benchmarks.workbench import BASE, Workbench, connection_of, model_server, snapshots, workbench

STOCKS = 20
TASKS = ("investment_advice", "risk_assessment", "price_direction")
ASKED = 2 * len(TASKS) * STOCKS
"""Answers of a night: of two models."""
RUNS = 3
FIRST = date(2026, 3, 2)
CLOCK = """
CREATE OR REPLACE FUNCTION ljwx.forward_clock() RETURNS timestamptz LANGUAGE sql VOLATILE
    SET search_path = pg_catalog AS 'SELECT timestamptz ''{0} 19:00:00+08'' '
"""


def forward_wall_vs_client() -> dict[str, Any]:
    """Seconds of a night's asking on a server with several slots / of a bare client with as many at a time."""
    taken: dict[str, list[float]] = {"ours": [], "peer": []}
    with workbench(*SCRIPTED, "--parallel", str(SLOTS)) as bench:
        os.environ["AIRFLOW_CONN_OLLAMA_DEFAULT"] = connection_of(bench.server, parallel=SLOTS)
        key = _recorded(bench)
        with sent_bodies() as bodies:
            night(bench, key, 0, ["ollama_default"])
        for run in range(1, RUNS + 1):
            taken["ours"].append(night(bench, key, run, ["ollama_default"]))
            taken["peer"].append(posted(bench.server, bodies[-ASKED:]))
    ours, peer = (statistics.median(taken[name]) for name in ("ours", "peer"))
    note = f"s for {ASKED} answers, {SLOTS} at a time, {SECONDS} s each; peer: the same requests, nothing read or saved"
    return {"value": ours / peer, "unit": "x", "ours": ours, "peer": peer, "runs": RUNS, "note": note}


def forward_two_servers_speedup() -> dict[str, Any]:
    """Seconds of a night's asking on one server / on two, each of one slot."""
    from ljwx.operators.ollama import OllamaOperator

    taken: dict[str, list[float]] = {"ours": [], "peer": []}
    both = ["ollama_default", "ollama_second"]
    with workbench(*SCRIPTED) as bench, model_server(bench.folder / "second", *SCRIPTED) as second:
        os.environ["AIRFLOW_CONN_OLLAMA_SECOND"] = connection_of(second)
        key = _recorded(bench)
        path = str(bench.folder / f"{bench.spec.sha256}.json")
        model = bench.spec.model_name(date(2026, 1, 5))
        OllamaOperator(task_id="build", model=model, spec_path=path, ollama_conn_id="ollama_second").execute({})
        for run in range(RUNS):
            taken["peer"].append(night(bench, key, 2 * run, both[:1]))
            taken["ours"].append(night(bench, key, 2 * run + 1, both))
    ours, peer = (statistics.median(taken[name]) for name in ("ours", "peer"))
    note = f"s for {ASKED} answers, {SECONDS} s each; ours: two servers, peer: one of them"
    return {"value": peer / ours, "unit": "x", "ours": ours, "peer": peer, "runs": RUNS, "note": note}


def night(bench: Workbench, key: int, number: int, servers: list[str]) -> float:
    """Open a session, let both models answer all questions about it, and return the seconds of the asking."""
    import psycopg

    from ljwx.settings import load_settings
    from ljwx.stages.forward.asking import ask_models
    from ljwx.stages.forward.questions import Asked
    from ljwx.warehouse.forward import NewBatch

    session = FIRST + timedelta(days=number)
    with psycopg.connect(bench.url, autocommit=True) as connection:
        connection.execute(CLOCK.format(session))
    deadline = datetime.fromisoformat(f"{session + timedelta(days=1)}T09:15:00+08:00")
    batch = bench.warehouse.open_batch(key, NewBatch(session, deadline, "bench", {"prompt_version": "v1"}, {}))
    texts = snapshots(STOCKS, seed=3 + number)
    asked = [Asked(f"{at:06d}.SZ", task, text, "s" * 64, False) for task in TASKS for at, text in enumerate(texts)]
    settings = load_settings({"model": {"base": BASE}, "evaluation": {"servers": servers}})
    begin = time.perf_counter()
    if ask_models(bench.warehouse, settings, batch, asked, key) != ASKED:
        raise RuntimeError("not all questions were asked")
    return time.perf_counter() - begin


def _recorded(bench: Workbench) -> int:
    """Build the model as one of an open line that has passed its verification; return the run."""
    import psycopg

    key, _, _ = bench.questions("classes")
    with psycopg.connect(bench.url, autocommit=True) as connection:
        connection.execute('UPDATE ljwx.datasets SET spec = \'{"prompt_version": "v1"}\'')
        connection.execute("UPDATE ljwx.models SET spec = %s, verified = '{}'", (bench.spec.model_dump_json(),))
    from ljwx.services.lines import line_id_of

    line_id_of(bench.warehouse, key, bench.spec.model_name(date(2026, 1, 5)))
    with psycopg.connect(bench.url, autocommit=True) as connection:
        connection.execute("UPDATE ljwx.lines SET closed_at = NULL")
    return key
