"""What the routes of one application share."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request

from ljwx.api.own.streams import Streams
from ljwx.api.stored import Documents
from ljwx.services.analysing.analyst import Analyst
from ljwx.services.config import ServeSettings
from ljwx.services.data_state import DataState
from ljwx.services.pages.coverage import Coverage
from ljwx.services.pages.keeper import Keeper
from ljwx.services.pages.models import Comparisons
from ljwx.services.pages.record import RecordPage
from ljwx.services.tokens import Gatekeeper


@dataclass(frozen=True)
class State:
    """What the routes work with.

    :param in_airflow: whether Airflow's own pages stand beside it.
    :param prices: whether prices may be shown: to the operator's own users, and not beyond.
    """

    analyst: Analyst
    documents: Documents
    streams: Streams
    gatekeeper: Gatekeeper
    settings: ServeSettings
    record: Keeper[RecordPage]
    data: Keeper[DataState]
    coverage: Keeper[Coverage]
    comparisons: Comparisons
    prices: bool
    in_airflow: bool


def state_of(request: Request) -> State:
    """Return what the application of a request shares."""
    state: State = request.app.state.ljwx
    return state
