"""The command `live`: a stepped run in the folder `live` of the sandbox's home, and what came of it."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

from ljwx_sandbox.live.live import Live
from ljwx_sandbox.live.plan import LivePlan
from ljwx_sandbox.settings import SandboxError, SandboxSettings

RISK = "Not investment advice. 本内容由模型依据历史数据生成,仅供研究,不构成投资建议。"


def run_live(settings: SandboxSettings, sessions: int, stocks: int, *, anew: bool) -> int:
    """Step through what is left of the sessions, export the record, and say how it can be checked.

    :raises SandboxError: too few sessions or stocks; no libfaketime.
    """
    if sessions < 1 or stocks < 30:
        raise SandboxError("a run has at least 1 session, and a market of 30 stocks: fewer have no order to find")
    home, begun = settings.home / "live", time.monotonic()
    if anew:
        shutil.rmtree(home, ignore_errors=True)
    _prepare(home)
    live = Live(home, settings.secret("postgres"), LivePlan(sessions=sessions, stocks=stocks), _say)
    with live.running() as peers:
        live.run(peers)
        _tell(home / "record.parquet")
    _say(f"{time.monotonic() - begun:.0f} s. Again: more --sessions go on from here, --anew begins anew.\n{RISK}")
    return 0


def _prepare(home: Path) -> None:
    """Give Airflow, which is a library here, a home of its own before it is loaded, and small frames one thread."""
    (home / "airflow").mkdir(parents=True, exist_ok=True)
    os.environ.update(
        AIRFLOW_HOME=str(home / "airflow"),
        AIRFLOW__CORE__LOAD_EXAMPLES="False",
        AIRFLOW__LOGGING__LOGGING_LEVEL="ERROR",
        POLARS_MAX_THREADS="1",
        OPENBLAS_NUM_THREADS="1",
    )


def _tell(path: Path) -> None:
    from ljwx.hooks.warehouse import WarehouseHook
    from ljwx.services.record import export_record, verify_record

    warehouse = WarehouseHook()
    exported = export_record(path)
    verified = verify_record(path, exported.head)
    champion = warehouse.champion()
    _say(f"record    {exported.sessions} sessions, {exported.answers} answers, in {path}")
    _say("          " + ("; ".join(verified.problems) or "every digest holds, and each is chained to the one before"))
    _say(f"          check it: ljwx record verify {path} --head {exported.head}")
    for alarm in warehouse.alarms(is_open=False):
        _say(f"watch     {alarm.text}; {alarm.done}")
    _say(f"champion  {'none' if champion is None else champion.model}")


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - a command speaks on the terminal
