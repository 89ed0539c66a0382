"""Run the server: ``python -m ljwx_sandbox.tushare --port 8100 --stocks 60 --seed 7``."""

from __future__ import annotations

import argparse
import os
import socket
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import uvicorn

from ljwx_sandbox.baostock.server import BaostockServer
from ljwx_sandbox.tushare.app import Desk, make_app
from ljwx_sandbox.tushare.interfaces import Source
from ljwx_sandbox.tushare.limits import MINUTE, SANDBOX_TOKENS, RateBook, read_tokens
from ljwx_sandbox.tushare.market import SimulatedMarket
from ljwx_sandbox.tushare.oddities.renames import Rename
from ljwx_sandbox.tushare.replay import ReplaySource
from ljwx_sandbox.tushare.sessions import SessionList
from ljwx_sandbox.tushare.simulated import SimulatedSource
from ljwx_sandbox.tushare.universe import MarketSpec

PORT_VARIABLE = "LJWX_SANDBOX_TUSHARE_PORT"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("ljwx_sandbox.tushare", description="A TuShare server on this machine.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument(
        "--port", type=int, default=int(os.environ.get(PORT_VARIABLE, "8100")), help="0 takes a free one"
    )
    parser.add_argument("--baostock-port", type=int, help="serve BaoStock's protocol too; 0 takes a free one")
    parser.add_argument("--stocks", type=int, default=60)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--effect", type=float, default=0.0, help="0 plants nothing; below 1")
    parser.add_argument(
        "--volatility", type=float, default=MarketSpec.volatility, help="of a stock's own; 0.02 is 2 %% a day"
    )
    parser.add_argument("--volatility-spread", type=float, default=MarketSpec.volatility_spread, help="0: all alike")
    parser.add_argument("--origin", type=date.fromisoformat, default=MarketSpec.origin, help="prices begin here")
    parser.add_argument("--sessions", type=Path, help="text file of ISO dates; past its end weekdays are sessions")
    parser.add_argument("--from", dest="first", type=date.fromisoformat, help="serve nothing before")
    parser.add_argument("--to", dest="last", type=date.fromisoformat, help="serve nothing after; stands for today")
    parser.add_argument(
        "--rename", type=Rename.read, action="append", default=[], help="OLD=NEW@DAY[@NAME]; may be given several times"
    )
    parser.add_argument("--rename-bse", type=date.fromisoformat, help="the Beijing exchange changes to 920xxx that day")
    parser.add_argument("--history", choices=("new", "old"), default="new", help="code of rows before a rename")
    parser.add_argument("--odd-suspensions", type=float, default=0.0, help="share of rows suspend_d is wrong about")
    parser.add_argument("--untidy-names", action="store_true", help="names without an end, two on one day")
    parser.add_argument("--replay", type=Path, help="folder of real rows, in the place of the simulated market")
    parser.add_argument("--token-file", type=Path, help=f"JSON of tiers; default tokens: {', '.join(SANDBOX_TOKENS)}")
    parser.add_argument("--minute", type=float, default=MINUTE, help="seconds that stand for a minute in the limits")
    parser.add_argument("--verbose", action="store_true", help="log every request")
    return parser


def make_source(options: argparse.Namespace) -> Source:
    """Build the source that the options describe."""
    if options.replay:
        return ReplaySource(options.replay)
    if options.first and options.last and options.last < options.first:
        raise ValueError(f"--to {options.last} is before --from {options.first}")
    sessions = SessionList.read(options.sessions) if options.sessions else SessionList()
    spec = MarketSpec(
        options.stocks, options.seed, options.effect, options.origin,
        renames=tuple(options.rename), bse_day=options.rename_bse, history=options.history,
        odd_suspensions=options.odd_suspensions, untidy_names=options.untidy_names,
        volatility=options.volatility, volatility_spread=options.volatility_spread,
    )  # fmt: skip
    return SimulatedSource(SimulatedMarket(spec, sessions), options.first, options.last)


def _bind(host: str, port: int) -> socket.socket:
    """Take the port now, so that a port in use is one clear line and not a log."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
        bound.listen(128)
    except OSError:
        bound.close()
        raise
    return bound


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until stopped; return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        bound = _bind(options.host, options.port)
    except OSError as error:
        return _complain(
            f"port {options.port} on {options.host} cannot be used ({error.strerror}); "
            f"choose another with --port or {PORT_VARIABLE}"
        )
    try:
        tiers = read_tokens(options.token_file) if options.token_file else SANDBOX_TOKENS
        desk = Desk(make_source(options), tiers, RateBook(minute=options.minute))
        baostock = _baostock(desk, options)
        app = make_app(desk)
    except (OSError, ValueError) as error:
        bound.close()
        return _complain(str(error))
    host, port = bound.getsockname()[:2]
    print(f"sandbox TuShare on http://{host}:{port}", flush=True)  # noqa: T201 - the one line a caller waits for
    if baostock is not None:
        print(f"sandbox BaoStock on {host}:{baostock}", flush=True)  # noqa: T201 - as above
    config = uvicorn.Config(
        app, log_level="info" if options.verbose else "warning", timeout_graceful_shutdown=1, lifespan="off"
    )
    uvicorn.Server(config).run(sockets=[bound])
    return 0


def _baostock(desk: Desk, options: argparse.Namespace) -> int | None:
    """Serve BaoStock's protocol from the same rows; return its port."""
    if options.baostock_port is None:
        return None
    server = BaostockServer((options.host, options.baostock_port), desk.source, desk.faults)
    desk.baostock = server.seen
    return server.begin()


def _complain(message: str) -> int:
    print(f"sandbox TuShare: {message}", file=sys.stderr)  # noqa: T201 - a command's error
    return 1


if __name__ == "__main__":
    sys.exit(main())
