"""The one file that Airflow's plugin loader executes; everything heavy is imported when it is asked for."""

from __future__ import annotations

from typing import Any

from airflow.plugins_manager import AirflowPlugin


class LjwxPlugin(AirflowPlugin):
    """Registers the session timetable and what deadlines are reckoned from."""

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
