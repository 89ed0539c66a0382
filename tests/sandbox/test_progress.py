"""What a person sees of a run while it goes on."""

from __future__ import annotations

from typing import Any

import pytest

from ljwx_sandbox import progress as module
from ljwx_sandbox.airflow import AirflowApi
from ljwx_sandbox.progress import Progress


class Api(AirflowApi):
    """Answers with the log of the one running task, as Airflow 3.3 sends it."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:1", "")
        self.log = [
            {"event": "::group::Log message source details"},
            {"logger": "ljwx.stages.build.verification", "event": "asking question 2 of 12"},
            {"logger": "task.stdout", "event": "something else"},
        ]

    def get(self, path: str, **params: Any) -> Any:
        assert path.endswith("/taskInstances/verify_model/logs/1")
        return {"content": self.log}


def task(state: str | None, name: str = "verify_model", at: int = -1, duration: float | None = None) -> dict[str, Any]:
    return {"task_id": name, "map_index": at, "state": state, "duration": duration, "try_number": 1}


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def progress(lines: list[str]) -> Progress:
    return Progress(Api(), "ljwx_model_build", "manual__1", lines.append)


def test_each_change_of_state_is_one_line_and_an_ended_task_says_how_long_it_took(
    progress: Progress, lines: list[str]
) -> None:
    progress.tell([task(None), task("queued", "ask_questions", 2)])
    progress.tell([task("running"), task("running", "ask_questions", 2)])
    progress.tell([task("success", duration=56.4), task("running", "ask_questions", 2)])
    assert lines == [
        "ljwx_model_build · verify_model · running",
        "ljwx_model_build · ask_questions[2] · running",
        "ljwx_model_build · verify_model · success (56 s)",
    ]


@pytest.mark.parametrize("state", ["running", "deferred"])
def test_in_a_long_silence_the_products_own_newest_log_line_is_shown_once(
    state: str, progress: Progress, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    progress.tell([task(state)])
    monkeypatch.setattr(module, "QUIET_SECONDS", 0.0)
    progress.tell([task(state)])
    progress.tell([task(state)])
    assert lines[1:] == ["ljwx_model_build · verify_model · … asking question 2 of 12"]
