"""What ``tushare.pro_api()`` returns, over our own transport, for code written for TuShare's package."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ljwx.sources.tushare.interfaces import TushareInterfaces

if TYPE_CHECKING:
    import pandas as pd


class TushareApi:
    """``api.daily(trade_date=…)`` gives a pandas DataFrame.

    Probing for dunder or private attributes sends nothing. It holds the hook and not the token, so copying or pickling
    it gives nothing away.
    """

    def __init__(self, hook: TushareInterfaces) -> None:
        self._hook = hook

    def __repr__(self) -> str:
        return f"TushareApi({self._hook!r})"

    def query(self, api_name: str, fields: str = "", **params: Any) -> pd.DataFrame:
        """Return a DataFrame; with no `fields` the interface's default columns."""
        import pandas as pd

        names = tuple(name.strip() for name in fields.split(",") if name.strip())
        table = self._hook.fetch(api_name, names, params)
        frame: pd.DataFrame = pd.DataFrame(table.rows, columns=list(table.fields))
        return frame

    def __getattr__(self, name: str) -> Callable[..., pd.DataFrame]:
        if name.startswith("_"):
            raise AttributeError(name)

        def call(fields: str = "", **params: Any) -> pd.DataFrame:
            return self.query(name, fields, **params)

        return call
