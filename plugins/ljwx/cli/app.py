"""All commands of `ljwx`, put together. Nothing heavy is imported before a command runs."""

from __future__ import annotations

import logging
import os
import warnings
from typing import Annotated

import typer

from ljwx.cli import ask, compare, doctor, importing, lineage, record, report, scores, serve, upkeep

app = typer.Typer(
    name="ljwx",
    help="Ask the champion, read the books of the pipeline, keep it in order. 询问冠军模型、查阅训练记录、日常维护。",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    epilog=(
        "Connections (ljwx_postgres, ollama_default, tushare_default) come from Airflow or from AIRFLOW_CONN_<ID>. "
        "Exit codes: 0 done, 1 a server failed, 2 wrong use, 3 not found, 4 doctor, audit, verify, import found faults."
    ),
)
app.command("ask")(ask.ask)
app.command("report")(report.report)
app.command("compare")(compare.compare)
app.command("lineage")(lineage.lineage)
app.command("rollback")(upkeep.rollback)
app.command("doctor")(doctor.doctor)
app.command("audit")(upkeep.audit)
app.command("config")(upkeep.config)
app.command("migrate")(upkeep.migrate)
app.command("import")(importing.import_files)
app.command("serve")(serve.serve)
app.command("mcp")(serve.mcp)
app.add_typer(serve.token, name="token")
sessions = typer.Typer(help="The calendar of trading sessions. 交易日历。", no_args_is_help=True, rich_markup_mode=None)
sessions.command("refresh")(upkeep.refresh_sessions)
app.add_typer(sessions, name="sessions")
records = typer.Typer(help="The forward record. 预测记录。", invoke_without_command=True, rich_markup_mode=None)
records.callback()(scores.record)
records.command("verify")(record.verify)
records.command("export")(record.export)
records.command("show")(scores.show)
records.command("month")(record.month)
records.command("earned")(scores.earned)
records.command("watch")(scores.watch)
app.add_typer(records, name="record")


def _version(asked: bool) -> None:
    if asked:
        from ljwx import __version__

        typer.echo(f"ljwx {__version__}")
        raise typer.Exit


@app.callback()
def _prepare(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001 - typer calls _version for it
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Print the version. 版本。")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show the log too. 显示日志。")] = False,
) -> None:
    # Connections kept in Airflow's database are found only by a process that says it may read it.
    os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "server")
    if not verbose:
        os.environ.setdefault("AIRFLOW__LOGGING__LOGGING_LEVEL", "CRITICAL")
        logging.disable(logging.ERROR)
        context.call_on_close(lambda: logging.disable(logging.NOTSET))
        warnings.simplefilter("ignore")


def main() -> None:
    """Run the command named on the command line."""
    app()
