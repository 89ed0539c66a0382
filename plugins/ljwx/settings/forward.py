"""The section `forward`: which stocks the forward record is asked about each night."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from ljwx.core.datasets.spec import IndexUniverse, TsCode
from ljwx.core.forward.consequence import Wanted
from ljwx.core.forward.watch import REFERENCE

_FORMS = ("form: all", "form: index", "form: most traded")


def _form(value: Any) -> str | None:
    """Whether a value is a word, an index or a number, so that an error is about the form that was meant."""
    if isinstance(value, Mapping | IndexUniverse):
        return _FORMS[1]
    if isinstance(value, str):
        return _FORMS[0]
    return _FORMS[2] if isinstance(value, int) and not isinstance(value, bool) else None


Stocks = Annotated[
    Annotated[Literal["all"], Tag(_FORMS[0])]
    | Annotated[IndexUniverse, Tag(_FORMS[1])]
    | Annotated[Annotated[int, Field(ge=0, le=10_000)], Tag(_FORMS[2])],
    Discriminator(
        _form,
        custom_error_type="stocks",
        custom_error_message='give a number for so many of the most traded stocks, "all", or {"index": "000300.SH"}',
    ),
]


class ForwardSettings(BaseModel):
    """The stage `forward`: the record of what models said before the outcome existed.

    :param stocks: the stocks that are asked about: so many of the most traded, all, or the members of an index.
    :param watchlist: stocks that are asked about in any case, and in full.
    :param in_full: other stocks that are asked about in full, drawn anew each session; of the rest the class alone.
    :param message: whether the answers about the watchlist are sent by the alert channels each night.
    :param watch: what follows when the watch holds the champion for failing.
    :param watch_reference: sessions of the record that the champion's later ones are held against.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    stocks: Stocks = 300
    watchlist: tuple[TsCode, ...] = ()
    in_full: int = Field(default=5, ge=0, le=1000)
    message: bool = False
    watch: Wanted = "tell"
    watch_reference: int = Field(default=REFERENCE, ge=20, le=1000)
