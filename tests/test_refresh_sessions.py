"""The command that writes the shipped session list anew."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from ljwx.core.sessions import load_calendar
from ljwx.exceptions import BadData, ConfigurationError
from ljwx.refresh_sessions import main, refresh, whole_years
from support_tushare import REPOSITORY, StartMarket, TushareServer

SHIPPED = REPOSITORY / "include" / "sessions" / "sse.txt"


def shipped(first: int, last: int) -> list[str]:
    return [line for line in SHIPPED.read_text().splitlines() if line[:1].isdigit() and first <= int(line[:4]) <= last]


@pytest.fixture(autouse=True)
def _without_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_TUSHARE_DEFAULT", raising=False)
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "client")


@pytest.fixture(scope="module")
def exchange(start_tushare: StartMarket) -> Iterator[TushareServer]:
    """A TuShare whose calendar is the shipped list."""
    with start_tushare("--stocks", "2", "--origin", "2026-01-05", "--sessions", str(SHIPPED)) as server:
        yield server


@pytest.fixture
def connected(exchange: TushareServer, monkeypatch: pytest.MonkeyPatch) -> TushareServer:
    monkeypatch.setenv("AIRFLOW_CONN_TUSHARE_DEFAULT", exchange.connection())
    return exchange


def a_list(folder: Path, *lines: str) -> Path:
    path = folder / "sse.txt"
    path.write_text("# as it was\n" + "".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def test_the_shipped_list_is_what_the_command_writes(tmp_path: Path) -> None:
    path = a_list(tmp_path, *shipped(2005, 2025))
    assert "known through 2026-12-31 (was 2025-12-31)" in refresh(path)
    assert path.read_bytes() == SHIPPED.read_bytes()


def test_a_connection_is_asked_before_the_package(tmp_path: Path, connected: TushareServer) -> None:
    path = a_list(tmp_path, *shipped(2023, 2024))
    before = connected.stats()["calls"].get("trade_cal", 0)
    assert "by trade_cal of the connection tushare_default" in refresh(path)
    assert connected.stats()["calls"]["trade_cal"] > before
    assert [str(day) for day in load_calendar(path).sessions] == shipped(2023, 2025)


def test_the_package_can_be_chosen_although_there_is_a_connection(tmp_path: Path, connected: TushareServer) -> None:
    path = a_list(tmp_path, *shipped(2023, 2024))
    assert "by exchange_calendars" in refresh(path, "exchange_calendars")


def test_a_wrong_day_is_removed_and_named(tmp_path: Path) -> None:
    days = shipped(2023, 2024)
    path = a_list(tmp_path, *sorted([*days, "2024-10-01"]))
    assert "1 removed: 2024-10-01" in refresh(path, "exchange_calendars")
    assert date(2024, 10, 1) not in load_calendar(path).sessions


def test_a_year_that_is_not_announced_is_left_out(tmp_path: Path, connected: TushareServer) -> None:
    """Past its list this server opens on every weekday."""
    path = a_list(tmp_path, *shipped(2025, 2026))
    refresh(path)
    assert load_calendar(path).known_through == date(2026, 12, 31)


def test_a_source_that_knows_less_than_the_list_changes_nothing(tmp_path: Path) -> None:
    path = a_list(tmp_path, *shipped(2025, 2026), "2027-01-04")
    before = path.read_bytes()
    with pytest.raises(BadData, match="has 2025 to 2027 and stays as it is"):
        refresh(path, "exchange_calendars")
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["sse.txt"]


def test_a_source_without_a_calendar_leaves_it_to_the_package_unless_it_was_chosen(
    tmp_path: Path, exchange: TushareServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = exchange.connection(conn_type="tencent", stocks=["000001.SZ"])
    monkeypatch.setenv("AIRFLOW_CONN_TUSHARE_DEFAULT", given)
    path = a_list(tmp_path, *shipped(2023, 2024))
    with pytest.raises(ConfigurationError, match="connection tushare_default has no calendar"):
        refresh(path, "trade_cal")
    assert "by exchange_calendars" in refresh(path)


def test_running_it_again_changes_nothing(tmp_path: Path) -> None:
    path = a_list(tmp_path, *shipped(2023, 2026))
    refresh(path)
    before = path.read_bytes()
    assert "0 sessions added, 0 removed" in refresh(path)
    assert path.read_bytes() == before


def test_the_list_in_use_is_written_anew_into_the_folder_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LJWX_INCLUDE", str(tmp_path))
    before = SHIPPED.stat().st_mtime_ns
    assert refresh(None, "exchange_calendars").startswith(f"{tmp_path / 'sessions' / 'sse.txt'}: known through ")
    assert (tmp_path / "sessions" / "sse.txt").read_bytes() == SHIPPED.read_bytes()
    assert SHIPPED.stat().st_mtime_ns == before


def test_without_source_the_error_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "exchange_calendars", None)
    with pytest.raises(ConfigurationError, match="define the connection tushare_default, or run `pip install"):
        refresh(a_list(tmp_path, *shipped(2025, 2026)))


def test_the_command_ends_with_one_line_and_a_status(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--file", str(a_list(tmp_path, *shipped(2025, 2026)))]) == 0
    assert capsys.readouterr().out.count("\n") == 1
    assert main(["--file", str(tmp_path / "absent.txt")]) == 1
    assert capsys.readouterr().err.startswith("sessions not refreshed: ")


def test_a_bad_token_is_told_and_the_list_stays(
    tmp_path: Path, exchange: TushareServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_TUSHARE_DEFAULT", exchange.connection("not-a-token"))
    path = a_list(tmp_path, *shipped(2025, 2026))
    before = path.read_bytes()
    assert main(["--file", str(path)]) == 1
    error = capsys.readouterr().err
    assert "token" in error
    assert "not-a-token" not in error
    assert path.read_bytes() == before


def days_of(*years: int) -> list[tuple[date, bool]]:
    """Weekdays open but the first of May, or the Monday after it."""
    days = []
    for year in years:
        may = date(year, 5, 1)
        closed = may + timedelta(days=max(0, 7 - may.weekday()) if may.weekday() >= 5 else 0)
        every = (date(year, 1, 1) + timedelta(days=n) for n in range((date(year + 1, 1, 1) - date(year, 1, 1)).days))
        days += [(day, day.weekday() < 5 and day != closed) for day in every]
    return days


def test_only_whole_years_without_a_break_count() -> None:
    whole = days_of(2024, 2025)
    opened = [day for day, is_open in whole if is_open]
    assert whole_years(whole) == opened
    assert whole_years(whole + days_of(2026)[:200]) == opened
    assert whole_years(whole + days_of(2027)) == opened
    assert whole_years(days_of(2026)[1:]) == []


def test_a_year_without_any_holiday_is_a_guess() -> None:
    guess = [(day, day.weekday() < 5) for day, _ in days_of(2026)]
    assert whole_years(days_of(2025) + guess) == [day for day, is_open in days_of(2025) if is_open]
