"""The sandbox's commands: ``python -m ljwx_sandbox up | down | demo | live | run COMMAND``."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

from ljwx_sandbox.settings import SandboxError, SandboxSettings


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 is success, 1 a failure told in the last line."""
    parser = argparse.ArgumentParser(prog="python -m ljwx_sandbox", description="The whole stack on this machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="start the stack and leave it running")
    commands.add_parser("down", help="stop what was started")
    demo = commands.add_parser("demo", help="run the whole pipeline once and print what it made")
    demo.add_argument("--start-date", default="2025-10-09", help="first day to ingest")
    demo.add_argument("--end-date", default="2026-06-30", help="last day to ingest")
    demo.add_argument("--strategy", choices=["lora", "fewshot"], default=None, help="how the model is made")
    demo.add_argument("--source", choices=["tushare", "baostock"], default=None, help="where market data come from")
    live = commands.add_parser("live", help="step a market through sessions, and watch the forward record fill")
    live.add_argument("--sessions", type=int, default=60, help="how many; more of them go on where a run ended")
    live.add_argument("--stocks", type=int, default=40, help="of the market, of which some are not listed yet")
    live.add_argument("--anew", action="store_true", help="forget what was stepped through before")
    run = commands.add_parser("run", help="run a command, such as `ljwx report`, on the stack's connections")
    run.add_argument("line", nargs=argparse.REMAINDER, metavar="COMMAND", help="the command and its arguments")
    chosen = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return _run(chosen)
    except SandboxError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - a command speaks on the terminal
        return 1
    except KeyboardInterrupt:
        print("interrupted; what was started is stopped", file=sys.stderr)  # noqa: T201
        return 130


def _run(chosen: argparse.Namespace) -> int:
    if chosen.command == "live":
        from ljwx_sandbox.live.command import run_live

        return run_live(SandboxSettings.from_environment(), chosen.sessions, chosen.stocks, anew=chosen.anew)
    from ljwx_sandbox.airflow import LOGIN
    from ljwx_sandbox.stack import Stack

    stack = Stack(SandboxSettings.from_environment(), schedules=chosen.command == "up")
    if chosen.command == "run":
        return _run_line(stack.environment, chosen.line)
    if chosen.command == "down":
        stack.down()
        return 0
    if chosen.command == "up":
        stack.up()
        stack.say(f"\nAirflow: {stack.api.base_url}   user {LOGIN}   password {stack.settings.secret('airflow-login')}")
        stack.say("stop it with: make down")
        return 0
    from ljwx_sandbox.demo import Demo

    return Demo(stack, chosen.start_date, chosen.end_date, chosen.strategy, chosen.source).run()


def _run_line(environment: dict[str, str], line: list[str]) -> int:
    """Run a command as one of the stack's own processes would be run."""
    if not line:
        raise SandboxError("which command? for instance: python -m ljwx_sandbox run ljwx report")
    beside = str(Path(sys.executable).parent)
    path = os.pathsep.join([beside, environment.get("PATH", os.defpath)])
    executable = shutil.which(line[0], path=path)
    if executable is None:
        raise SandboxError(f"there is no command {line[0]!r}")
    return subprocess.run([executable, *line[1:]], env=environment | {"PATH": path}, check=False).returncode


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
