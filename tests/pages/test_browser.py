"""The pages as a person meets them, in a real Chromium."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from support_browser import Look
from support_settled import STOCKS

PAGES = ("analysis", f"analysis/{STOCKS[0]}", "record")


@pytest.mark.parametrize("place", PAGES)
def test_a_page_with_data_has_no_error_and_is_accessible_and_fits_a_phone(look: Look, place: str) -> None:
    page = look.open(place)
    expect(page.locator("#label")).to_contain_text("AI 生成")
    expect(page.locator("footer")).to_contain_text("不构成投资建议")
    look.shoot(place.replace("/", "-"))
    look.check()


def test_a_stock_is_found_by_typing_and_its_calls_are_on_the_chart(look: Look) -> None:
    page = look.open("analysis")
    page.get_by_role("combobox").fill(STOCKS[0][:6])
    page.get_by_role("option", name=STOCKS[0]).wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text(STOCKS[0])
    expect(page.locator(".chart .plotly")).to_be_visible()
    expect(page.locator(".chart")).to_contain_text("对")
    assert page.locator("td .right").count() > 3
    assert look.said == []


def test_the_report_says_why_there_is_none(look: Look) -> None:
    page = look.open(f"analysis/{STOCKS[0]}")
    page.get_by_role("button", name="分析").click()
    expect(page.locator(".notice.bad")).to_contain_text("冠军")


def test_language_and_theme_are_the_readers(look: Look) -> None:
    page = look.open("record")
    page.get_by_role("button", name="English").click()
    expect(page.locator("h1")).to_have_text("Record")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.emulate_media(color_scheme="dark")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    look.shoot("record-dark")
    look.check()


@pytest.mark.parametrize("place", ["analysis", "record"])
def test_a_page_without_data_says_what_is_missing(look_at_empty: Look, place: str) -> None:
    look_at_empty.open(place)
    look_at_empty.shoot(f"{place}-empty")
    missing = {"Failed to load resource: the server responded with a status of 404 (Not Found)"}
    assert set(look_at_empty.said) <= missing
    look_at_empty.said.clear()
    look_at_empty.check()
