"""One exception class per decision a caller can take.

::

    LjwxError
    ├── ConfigurationError      fail: correct the settings, the parameters or the connection
    │   └── TooFewSessions      wait for more sessions, or ask for a longer range
    ├── NotFound                say so: what was asked for is not in the warehouse
    ├── Busy                    retry soon: as much is being asked as may be
    ├── SourceError             of a source of market data; was TushareError
    │   ├── BadToken            fail: put a valid token in the connection
    │   ├── NoPermission        fail: the token's tier does not carry this interface
    │   ├── BadQuery            fail: the request itself is wrong
    │   ├── RateLimited         retry after `wait_seconds`
    │   ├── SourceUnavailable   retry soon: no answer, or the server says it is in trouble; was TushareUnavailable
    │   └── MalformedAnswer     retry soon: an answer that cannot be believed
    ├── NotYetPublished         retry later: the session's data is not complete yet
    ├── RecordUnfinished        retry later: models of the forward record have not answered all questions
    ├── DeadlinePassed          fail: too late for the forward record; the session stays a gap
    ├── BadData                 fail: rows that contradict what is stored
    ├── LeakDetected            fail: a proof of the dataset does not hold
    ├── TrainingError
    │   ├── TrainingFailed      fail: the trainer cannot go on, vanishes or shows no sign of life
    │   └── LauncherUnreachable retry soon: what starts the trainer gives no answer
    └── OllamaError
        ├── OllamaUnreachable   retry soon: no answer
        ├── OllamaTimeout       retry later: it works, but not within the time allowed
        ├── ModelMissing        fail: the named model is not on the server, or the name stands for another one
        ├── RefusedRequest      fail: the server (or our own check before sending) rejects the request
        ├── BuildFailed         fail: the server reported an error while it created the model
        └── PromptTooLong       fail: the prompt does not fit num_ctx

"fail" classes also derive from AirflowFailException, so that Airflow does not retry them.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING or "airflow" in sys.modules or "ljwx.cli" not in sys.modules:
    from airflow.sdk.exceptions import AirflowFailException
else:

    class AirflowFailException(Exception):
        """Stands in for Airflow's in a process of the command `ljwx`: it retries nothing, and Airflow loads slowly."""


class LjwxError(Exception):
    """Base of everything this package raises on purpose."""


class ConfigurationError(LjwxError, AirflowFailException):
    """Settings, parameters or a connection are wrong; the message names which and what to do."""


class TooFewSessions(ConfigurationError):
    """The sessions or samples that are there do not make a dataset yet; the message says what is missing."""


class NotFound(LjwxError, AirflowFailException):
    """What was asked for is not in the warehouse: a stock, a day, a model, a champion; the message says what is.

    :param chinese: the same for those who ask in Chinese; the English message where it is not given.
    :param kind: why, in a word for a program, such as ``suspended``.
    """

    def __init__(self, message: str, chinese: str = "", kind: str = "not_found") -> None:
        super().__init__(message)
        self.chinese = chinese or message
        self.kind = kind


class Busy(LjwxError):
    """As much is being worked on as may be at a time; nothing was asked.

    :param chinese: the same for those who ask in Chinese.
    """

    def __init__(self, message: str, chinese: str = "正在进行的分析已达上限,请稍后再试") -> None:
        super().__init__(message)
        self.chinese = chinese


class SourceError(LjwxError):
    """Base of what a source of market data, or the way to it, can do wrong."""


class BadToken(SourceError, AirflowFailException):
    """The server does not know the token."""


class NoPermission(SourceError, AirflowFailException):
    """The token's tier does not carry the interface."""


class BadQuery(SourceError, AirflowFailException):
    """The server rejects the request's parameters."""


class RateLimited(SourceError):
    """The tier's limit is used up.

    :param unit: ``minute``, ``hour`` or ``day``, as the server's text says.
    :param wait_seconds: how long to wait before the next call can succeed.
    """

    def __init__(self, message: str, unit: str = "minute", wait_seconds: float = 65.0) -> None:
        super().__init__(message)
        self.unit = unit
        self.wait_seconds = wait_seconds


class SourceUnavailable(SourceError):
    """No answer, an HTTP error, or the server's own "try again later"."""


class MalformedAnswer(SourceError):
    """An answer that is not what the protocol promises: not JSON, wrong widths, wrong types, a page that vanishes."""


TushareError = SourceError
"""The name of `SourceError` while TuShare was the only source."""
TushareUnavailable = SourceUnavailable
"""The name of `SourceUnavailable` while TuShare was the only source; retry rules that name it still match."""


class NotYetPublished(LjwxError):
    """A session's data is not complete yet; what is there stays where it was."""


class RecordUnfinished(LjwxError):
    """Questions of the forward record have no answer yet; what came is kept.

    Model servers were lost, or the clock of the database went back to before the session was opened.
    """


class DeadlinePassed(LjwxError, AirflowFailException):
    """By the database's clock it is too late to ask about the session for the forward record, or too early."""


class BadData(LjwxError, AirflowFailException):
    """Rows that contradict what is stored; nothing was written."""


class LeakDetected(LjwxError, AirflowFailException):
    """A proof of the dataset does not hold; the dataset was not written."""


class TrainingError(LjwxError):
    """Base of what a training, or the way to it, can do wrong."""


class TrainingFailed(TrainingError, AirflowFailException):
    """The trainer cannot go on, has vanished too often or shows no sign of life; the message says what to do."""


class LauncherUnreachable(TrainingError):
    """What starts and finds the trainer, such as Kubernetes, gives no answer."""


class OllamaError(LjwxError):
    """Base of what an Ollama server, or the way to it, can do wrong."""


class OllamaUnreachable(OllamaError):
    """The server gave no answer, or broke off in the middle of one."""


class OllamaTimeout(OllamaError):
    """The server did not finish within the time allowed."""


class ModelMissing(OllamaError, AirflowFailException):
    """The named model is not on the server, or the name stands for another one by now."""


class RefusedRequest(OllamaError, AirflowFailException):
    """The server, or our own check before sending, rejects the request."""


class BuildFailed(OllamaError, AirflowFailException):
    """The server reported an error while it created the model, or what it created is not what was asked for."""


class PromptTooLong(OllamaError, AirflowFailException):
    """The prompt does not fit the model's context."""
