"""The one file that Airflow's plugin loader executes; everything heavy is imported when it is asked for."""

from __future__ import annotations

from typing import Any

from airflow.plugins_manager import AirflowPlugin


class LjwxPlugin(AirflowPlugin):
    """Registers the session timetable, what deadlines are reckoned from, and the page with its API."""

    name = "ljwx"

    @property
    def timetables(self) -> list[Any]:  # type: ignore[override]  # Airflow reads it off an instance; a list would import at load
        """The timetable class of the ingest DAG."""
        from ljwx.schedule import SessionTimetable

        return [SessionTimetable]

    @property
    def deadline_references(self) -> list[Any]:  # type: ignore[override]  # as above
        """What the DAGs' deadlines are reckoned from."""
        from ljwx.deadlines import QueuedAt

        return [QueuedAt]

    @property
    def fastapi_apps(self) -> list[Any]:  # type: ignore[override]  # as above
        """The page and its API, which are made when they are first asked for."""
        from ljwx.api.mounted import PREFIX, Mounted

        return [{"name": "ljwx", "app": Mounted(), "url_prefix": PREFIX}]

    @property
    def external_views(self) -> list[Any]:  # type: ignore[override]  # as above
        """The entry of the menu; its address is relative, so that a path in `[api] base_url` is honoured."""
        return [{"name": "ljwx-stock", "href": "ljwx/", "url_route": "ljwx", "destination": "nav"}]
