"""What a person sees of the watch over the champion's record."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from ljwx.cli.app import app
from ljwx.exceptions import NotFound
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services import watch
from ljwx.services.watch import spoken, watch_champion
from support_forward import at, stop_clock
from support_settled import DAYS, SPEC, STOCKS, record_until_wednesday, said


def test_without_a_champion_there_is_nothing_to_watch(warehouse_url: str) -> None:
    record_until_wednesday(warehouse_url)
    with pytest.raises(NotFound, match="no champion"):
        watch_champion()


def test_a_record_read_by_lines_goes_on_with_the_next_model(warehouse_url: str) -> None:
    record = record_until_wednesday(warehouse_url)
    assert set(record.hook.settled_record(by_line=True)["answerer"]) == {"line"}
    assert set(WarehouseHook().settled_record()["answerer"]) == {"model:v1"}


def test_a_model_s_own_answers_are_watched_and_its_line_s_where_it_gave_none(warehouse_url: str) -> None:
    record = record_until_wednesday(warehouse_url)
    newer = {"answerer": "model:v2", "digest": "e" * 64}
    record.answer(*(said(code, claims=4, claims_right=1, **newer) for code in STOCKS[:2]))
    stop_clock(warehouse_url, at(DAYS[1], 19))
    record.answer(said(STOCKS[0], session=DAYS[1], **newer))
    of_line = record.hook.settled_record(by_line=True).filter(answerer="line", task="price_direction")
    assert len(of_line) == 6
    own, newest = spoken(of_line, "d" * 64), spoken(of_line, "e" * 64)
    assert own.select("session", "digest").rows() == [(DAYS[0], "d" * 64)] * 3 + [(DAYS[1], "e" * 64)]
    assert newest.select("session", "digest").rows() == [(DAYS[0], "e" * 64)] * 2 + [(DAYS[1], "e" * 64)]
    assert spoken(of_line, "f" * 64).equals(own)


def crown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the record's model be the champion, and one session be reference enough."""
    champion = SimpleNamespace(model="model:v1", digest="d" * 64, line_id="line")
    monkeypatch.setattr(WarehouseHook, "champion", lambda _: champion)
    monkeypatch.setattr(WarehouseHook, "model", lambda _, name: champion if name == "model:v1" else None)
    settings = SimpleNamespace(forward=SimpleNamespace(watch="tell", watch_reference=1))
    monkeypatch.setattr(watch, "current_settings", lambda: settings)


def test_sessions_that_were_not_asked_about_are_missing_answers(
    warehouse_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_until_wednesday(warehouse_url)
    crown(monkeypatch)
    found = watch_champion()
    assert (found.model, found.line_id, found.sessions) == ("model:v1", "line", 3)
    check = next(each for each in found.checks if each.check == "coverage")
    assert (check.check, check.mean, check.since, check.rings) == ("coverage", 1, DAYS[1], False)
    done = CliRunner().invoke(app, ["record", "watch"])
    assert done.exit_code == 0
    assert "coverage" in done.output


def test_only_sessions_whose_classes_meant_what_they_mean_now_are_watched(
    warehouse_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = record_until_wednesday(warehouse_url)
    record.spec = SPEC.model_copy(update={"flat_band": SPEC.flat_band * 2})
    stop_clock(warehouse_url, at(DAYS[1], 19))
    record.answer(said(STOCKS[0], session=DAYS[1]))
    crown(monkeypatch)
    assert watch_champion().sessions == 2
