"""The pages in a real Chromium: on a warehouse with a record, on an empty one, and what is looked for on every page."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
from axe_playwright_python.sync_playwright import Axe
from fastapi import Depends, FastAPI
from fastapi.responses import HTMLResponse
from playwright.sync_api import Browser, Page, expect, sync_playwright

from ljwx.api.app import mounted_app
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.resources import sse_calendar
from ljwx.stages.forward.settle import settle_sessions
from ljwx.warehouse.runs import RunRef
from ljwx_sandbox.postgres import EmbeddedPostgres
from support_chain import Database, bars_of, connect, database, running_tasks, whole_day
from support_forward import at, stop_clock
from support_models import add_models
from support_serve import running
from support_settled import SPEC, STOCKS, Record, said

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
WIDE, PHONE = {"width": 1200, "height": 900}, {"width": 375, "height": 740}
PATIENCE_MS = 60_000
"""A busy machine draws slowly; who waits for what does come loses nothing by it."""
SESSIONS = 36
INCOMPLETE = 20
"""Which of the sessions is incomplete, and not asked about."""
OF_ANOTHER = 6
"""Sessions, the first ones, in which another model was asked about the first stock as well."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, with nothing that asks other servers.

    It is closed with its module: while it is open, its event loop runs in the thread of the tests.
    """
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed: apt-get install chromium")
    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET) as opened:
        yield opened


@dataclass
class Look:
    """A page of the application in the browser, with what it has said to its console."""

    page: Page
    url: str
    said: list[str]

    def open(self, place: str) -> Page:
        """Go to a page, and wait until it has loaded what it shows."""
        self.page.goto("about:blank")
        self.page.goto(f"{self.url}/ljwx/#/{place}")
        self.settled()
        return self.page

    def settled(self) -> None:
        self.page.wait_for_selector("main:not([aria-busy]) > :not([role=status].soft)")

    def shoot(self, name: str) -> None:
        """Keep a picture, where the environment says that pictures are wanted, and one in the other language."""
        if folder := os.environ.get("LJWX_SCREENSHOTS"):
            for end in ("", "-other"):
                self.page.screenshot(path=Path(folder) / f"{name}{end}.png", full_page=True)
                self.page.locator("#language").click()
                self.settled()

    def check(self) -> None:
        """No error in the console, no serious finding of axe, and nothing to scroll sideways on a phone."""
        assert self.said == []
        found = Axe().run(self.page).response["violations"]
        assert [each for each in found if each["impact"] in ("serious", "critical")] == []
        self.page.set_viewport_size(PHONE)
        assert self.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        self.page.set_viewport_size(WIDE)


def open_app() -> FastAPI:
    """The application as Airflow mounts it, behind a login that lets everybody in, and a frame around it."""
    around = FastAPI()
    around.add_api_route("/plugin", lambda: HTMLResponse("<iframe src='ljwx/' title='ljwx-stock'></iframe>"))
    around.mount("/ljwx", mounted_app(Depends(lambda: None)))
    return around


@pytest.fixture
def look(browser: Browser, pages_url: str) -> Iterator[Look]:
    """The pages on a warehouse with a record."""
    with browser.new_context(viewport=WIDE, locale="zh-CN", color_scheme="light") as context:
        yield _look(context.new_page(), pages_url)


def _look(page: Page, url: str) -> Look:
    page.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    return Look(page, url, said)


@pytest.fixture(scope="module")
def pages_url(postgres: EmbeddedPostgres, migrated_template: str) -> Iterator[str]:
    """A server of the pages on a warehouse with bars, and a record of which the last sessions are open."""
    with database(postgres, migrated_template) as name, running_tasks() as (tasks, patch):
        connect(patch, postgres.url(name))
        fill(postgres.url(name))
        Database(postgres.url(name)).execute(
            "UPDATE ljwx.bars SET first_seen = (session + time '18:00') AT TIME ZONE 'Asia/Shanghai'"
        )
        tasks.run(settle_sessions)
        with running(open_app()) as url:
            yield url


@pytest.fixture(scope="module")
def models_url(postgres: EmbeddedPostgres, migrated_template: str) -> Iterator[str]:
    """A server of the pages on a warehouse with three models."""
    with database(postgres, migrated_template) as name, pytest.MonkeyPatch.context() as patch:
        connect(patch, postgres.url(name))
        run = RunRef("ljwx_model_build", "manual__2026-03-01T12:00:00+00:00", "verify_model")
        add_models(Database(postgres.url(name)), WarehouseHook().start_run(run))
        with running(open_app()) as url:
            yield url


@pytest.fixture
def look_at_models(browser: Browser, models_url: str) -> Iterator[Look]:
    """The pages on a warehouse with three models."""
    with browser.new_context(viewport=WIDE, locale="zh-CN", color_scheme="light") as context:
        yield _look(context.new_page(), models_url)


@pytest.fixture(scope="module")
def empty_url(postgres: EmbeddedPostgres, migrated_template: str) -> Iterator[str]:
    """A server of the pages on an empty warehouse."""
    with database(postgres, migrated_template) as name, pytest.MonkeyPatch.context() as patch:
        connect(patch, postgres.url(name))
        with running(open_app()) as url:
            yield url


@pytest.fixture
def look_at_empty(browser: Browser, empty_url: str) -> Iterator[Look]:
    """The pages on an empty warehouse."""
    with browser.new_context(viewport=WIDE, locale="en-GB", color_scheme="dark") as context:
        yield _look(context.new_page(), empty_url)


def fill(url: str) -> None:
    """Write bars and answers of some sessions, as a night after the other would have."""
    record = Record(url)
    record.spec = SPEC
    days = sse_calendar().between(date(2026, 1, 5), date(2026, 4, 30))[:SESSIONS]
    for n, day in enumerate(days):
        stop_clock(url, at(day, 19))
        if n == INCOMPLETE:
            record.hook.save_day(
                record.key, whole_day(day, complete=False, received=2, missing=STOCKS[2:]), bars_of(day)
            )
            refuse(record, day)
            continue
        closes = {code: round(10.2 + 0.25 * ((n * (3 + k)) % 7 - 3) / 3, 2) for k, code in enumerate(STOCKS)}
        record.hook.save_day(record.key, whole_day(day), bars_of(day, close=closes))
        rose = ("up", "flat", "down")[n % 3]
        likely = {name: 0.6 if name == rose else 0.2 for name in ("up", "flat", "down")}
        rule: dict[str, Any] = {"answerer": "class_rates", "digest": None, "line_id": None}
        rates = {"up": 0.4, "flat": 0.2, "down": 0.4}
        record.answer(
            *(said(code, session=day, probabilities=likely) for code in STOCKS),
            *(said(code, session=day, probabilities=rates, **rule) for code in STOCKS),
        )
        if n < OF_ANOTHER:
            record.answer(said(STOCKS[0], session=day, answerer="model:v0", digest="e" * 64, probabilities=likely))
        record.hook.seal_batch(day)


def refuse(record: Record, day: date) -> None:
    """Put a row of a day into quarantine."""
    with psycopg.connect(record.url) as connection:
        connection.execute(
            "INSERT INTO ljwx.quarantine (session, reasons, raw, raw_sha256, run_key) VALUES (%s, %s, '{}', '', %s)",
            (day, ["high_low"], record.key),
        )
