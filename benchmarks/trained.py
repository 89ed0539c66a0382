"""What a trained model is worth on the sandbox: its demo, run whole, and once more with examples in front instead.

The demos are those of `make demo STRATEGY=lora` and `STRATEGY=fewshot`, one after the other in one warehouse, in a
folder and on ports of their own; every figure is read from what the pipeline itself recorded. Some 25 minutes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

QUERY = """
    SELECT DISTINCT ON (m.strategy) m.strategy, m.verified->'served' AS served,
           e.scorecard->'model'->'overall' AS overall, avg(a.latency_s) AS seconds, count(*) AS answers
    FROM ljwx.models m JOIN ljwx.evaluations e ON e.model = m.model JOIN ljwx.answers a USING (evaluation_id)
    WHERE e.scorecard IS NOT NULL
    GROUP BY m.strategy, m.verified, e.evaluation_id ORDER BY m.strategy, e.evaluation_id"""


def lora_valid_share() -> dict[str, Any]:
    """Share of the trained model's answers to the demo's questions that are valid."""
    overall = demo()["lora"]["overall"]
    return _figure(overall["valid_share"], "share", note=f"of {demo()['lora']['answers']} answers")


def lora_faithful_share() -> dict[str, Any]:
    """Share of right ones among the numbers and readings that its answers claim."""
    found = demo()["lora"]["overall"]["faithfulness"]
    return _figure(found["right"] or 0.0, "share", note=f"of {found['claims']} claims in {found['answers']} answers")


def served_vs_trainer_max_diff() -> dict[str, Any]:
    """Largest difference of a class's probability between the served and the trained model."""
    served = demo()["lora"]["served"]
    note = f"{served['prompts']} prompts, {served['output']}, allowed {served['tolerance']:.3f}; "
    note += f"{served['other_prompts']} prompts of other tokens; from its base {served['served_from_base']:.2f}"
    return _figure(served["largest_difference"], "", note=note)


def lora_answer_vs_fewshot() -> dict[str, Any]:
    """Mean seconds of an answer of the trained model / of the few-shot model, to the questions of their demos."""
    ours, peer = demo()["lora"]["seconds"], demo()["fewshot"]["seconds"]
    return {**_figure(ours / peer, "x"), "ours": ours, "peer": peer}


def _figure(value: float, unit: str, note: str = "") -> dict[str, Any]:
    return {"value": value, "unit": unit, "ours": value, "peer": 0.0, "runs": 1, "note": note}


@cache
def demo() -> dict[str, dict[str, Any]]:
    """Run both demos; return of each strategy what its model's evaluation and proof of serving say."""
    import psycopg
    from psycopg.rows import dict_row

    from ljwx_sandbox.postgres import EmbeddedPostgres
    from ljwx_sandbox.processes import free_ports
    from ljwx_sandbox.settings import PORTS, SandboxSettings, port_variable

    with tempfile.TemporaryDirectory(prefix="ljwx-demo-") as home:
        Path(home).chmod(0o755)  # a server started by root runs as another user
        ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
        environment = {**os.environ, "LJWX_HOME": home} | {port_variable(n): str(port) for n, port in ports.items()}
        for name in ("AIRFLOW_HOME", "AIRFLOW__CORE__LOAD_EXAMPLES", "AIRFLOW__LOGGING__LOGGING_LEVEL"):
            environment.pop(name, None)  # those of the benchmark's own process
        for strategy in ("lora", "fewshot"):
            command = [sys.executable, "-m", "ljwx_sandbox", "demo", "--strategy", strategy]
            subprocess.run(command, env=environment, check=True)
        settings = SandboxSettings(Path(home), ports)
        postgres = EmbeddedPostgres(settings.home / "postgres", ports["postgres"], settings.secret("postgres"))
        postgres.start()
        try:
            with psycopg.connect(postgres.url("warehouse"), row_factory=dict_row) as connection:
                return {row["strategy"]: row for row in connection.execute(QUERY).fetchall()}
        finally:
            postgres.stop()
