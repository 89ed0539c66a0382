"""What a command says: a picture for a person, plain text in a pipe, or JSON; and the exit code it ends with."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, is_dataclass
from datetime import date
from enum import IntEnum
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table

PIPE_WIDTH = 1000
"""Columns of a line that no terminal bounds, so that a pipe gets a row a line."""

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document. 输出 JSON。")]


class Exit(IntEnum):
    """Exit codes of every command."""

    DONE = 0
    FAILED = 1
    """A server or the database failed; the same command may work later."""
    WRONG_USE = 2
    """Arguments or configuration are wrong."""
    NOT_FOUND = 3
    """What was asked for is not there."""
    NEEDS_CARE = 4
    """`ljwx doctor`, `audit` or `import` found something to do."""


def say(found: Any, picture: Callable[[Console], None], as_json: bool) -> None:
    """Print what was found.

    :param found: the whole answer: a record, or dicts, lists, numbers, texts and dates.
    :param picture: draws the same for a person.
    """
    if as_json:
        sys.stdout.write(json.dumps(_document(found), ensure_ascii=False, indent=2, default=_plain) + "\n")
        return
    terminal = sys.stdout.isatty()
    picture(Console(width=None if terminal else PIPE_WIDTH, highlight=False, soft_wrap=not terminal))


def table(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> Table:
    """Return rows under their heads; numbers stand to the right."""
    drawn = Table(box=None, pad_edge=False, header_style="bold")
    for at, head in enumerate(heads):
        numbers = all(isinstance(row[at], int | float) for row in rows if row[at] is not None)
        drawn.add_column(head, justify="right" if rows and numbers else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*(_cell(value) for value in row))
    return drawn


def day(text: str | None) -> date | None:
    """Read a day given as an option."""
    if text is None:
        return None
    if re.fullmatch(r"\d{4}-\d\d-\d\d|\d{8}", text, re.ASCII):  # what int and strptime take is more than this
        digits = text.replace("-", "")
        with suppress(ValueError):
            return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    raise typer.BadParameter(f"{text!r} is no day; write it like 2026-06-30 or 20260630")


@contextmanager
def failures_shown() -> Iterator[None]:
    """End the process with one line and the exit code of what went wrong."""
    from ljwx.exceptions import ConfigurationError, LjwxError, NotFound

    try:
        yield
    except NotFound as error:
        end(str(error), Exit.NOT_FOUND)
    except ConfigurationError as error:
        end(str(error), Exit.WRONG_USE)
    except _loaded("airflow.sdk.exceptions", "AirflowNotFoundException") as error:
        end(str(error), Exit.WRONG_USE)
    except LjwxError as error:
        end(f"{type(error).__name__}: {error}", Exit.FAILED)
    except _loaded("psycopg", "Error") as error:
        _end_of(error)
    except _loaded("sqlalchemy.exc", "DBAPIError") as error:
        _end_of(getattr(error, "orig", None) or error)
    except OSError as error:
        end(str(error), Exit.FAILED)


def _loaded(module: str, name: str) -> tuple[type[BaseException], ...]:
    """Return a class of a module that is loaded; of one that is not, nothing can have been raised."""
    loaded = sys.modules.get(module)
    return () if loaded is None else (getattr(loaded, name),)


def end(message: str, code: Exit) -> NoReturn:
    """Say on standard error why the command ends here."""
    sys.stderr.write(f"ljwx: {message}\n")
    raise typer.Exit(int(code))


def _end_of(error: BaseException) -> NoReturn:
    """End with what the database said."""
    from psycopg import errors

    if isinstance(error, errors.UndefinedTable | errors.UndefinedColumn):
        end("the warehouse has no tables yet, or old ones; run `ljwx migrate`", Exit.WRONG_USE)
    denied = isinstance(error, errors.InsufficientPrivilege)
    end(f"the warehouse: {' '.join(str(error).split())}", Exit.WRONG_USE if denied else Exit.FAILED)


def _document(found: Any) -> Any:
    if isinstance(found, list | tuple):
        return [_document(each) for each in found]
    return asdict(found) if is_dataclass(found) and not isinstance(found, type) else found


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    return str(value)
