"""The pages as a person meets them, in a real Chromium."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Route, expect

from support_browser import OF_ANOTHER, PATIENCE_MS, SESSIONS, Look
from support_models import CHALLENGER, CHAMPION, OLD
from support_settled import STOCKS

ANSWER = f"2026-02-10/{STOCKS[0]}/price_direction/model:v1"
MODULES = ("api", "charts", "dom", "i18n", "theme")
CHARTS = 3
"""Of the first model on the page of the record: its sessions have too few stocks for an order of them."""
PAGES = ("analysis", f"analysis/{STOCKS[0]}", "record", "data", f"lineage/{ANSWER}")


@pytest.mark.parametrize("place", PAGES)
def test_a_page_with_data_has_no_error_and_is_accessible_and_fits_a_phone(look: Look, place: str) -> None:
    page = look.open(place)
    expect(page.locator("#label")).to_contain_text("AI 生成")
    expect(page.locator("footer")).to_contain_text("不构成投资建议")
    look.shoot(place.replace("/", "-").replace(":", "-"))
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


def test_calls_are_counted_of_one_model_and_question_at_a_time(look: Look) -> None:
    page = look.open(f"analysis/{STOCKS[0]}")
    calls = page.locator("section", has=page.get_by_role("heading", name="以往的判断"))
    expect(page.get_by_label("问题与模型").locator("option")).to_have_text(["走势 · model:v1", "走势 · model:v0"])
    expect(calls.locator("tbody tr")).to_have_count(SESSIONS - 1)
    page.get_by_label("问题与模型").select_option("走势 · model:v0")
    expect(calls.locator("tbody tr")).to_have_count(OF_ANOTHER)
    expect(calls).to_contain_text(f"已到期 {OF_ANOTHER} 次")
    assert look.said == []


def test_a_frame_that_is_loaded_again_shows_the_page_it_showed(look: Look) -> None:
    look.page.goto(f"{look.url}/plugin")
    frame = look.page.frame_locator("iframe")
    frame.get_by_role("link", name="战绩").click()
    expect(frame.locator("h1")).to_have_text("战绩")
    look.page.reload()
    expect(frame.locator("h1")).to_have_text("战绩")
    look.page.goto(f"{look.url}/ljwx/")
    expect(look.page.locator("h1")).to_have_text("分析")


def test_a_page_is_read_and_reacts_while_plotly_is_awaited_and_nothing_moves_when_charts_come(look: Look) -> None:
    page, held = look.page, list[Route]()
    page.route("**/plotly-finance.min.js", lambda route: held.append(route))
    page.goto(f"{look.url}/ljwx/#/record")
    select, numbers = page.get_by_label("模型与问题"), page.locator("dl.facts")
    expect(numbers).to_be_visible()
    shown = numbers.text_content()
    select.select_option(index=1)
    expect(numbers).not_to_have_text(str(shown))
    select.select_option(index=0)
    expect(numbers).to_have_text(str(shown))
    expect(page.locator(".chart")).to_have_count(CHARTS)
    before = page.locator("footer").bounding_box()
    assert page.locator(".main-svg").count() == 0
    (route,) = held
    route.continue_()
    look.settled()
    expect(page.locator(".chart:has(.main-svg)")).to_have_count(CHARTS)
    assert page.locator("footer").bounding_box() == before
    look.check()


def test_charts_below_the_screen_are_drawn_one_by_one_after_those_on_it(look: Look) -> None:
    page, drawn = look.page, look.page.locator(".chart:has(.main-svg)")
    page.set_viewport_size({"width": 1200, "height": 500})
    page.add_init_script("window.requestIdleCallback = (goOn) => { window.goOn = goOn; }")
    look.open("record")
    seen = "[...document.querySelectorAll('.chart')].filter((each) => each.getBoundingClientRect().top < innerHeight)"
    on_screen = page.evaluate(f"{seen}.length")
    assert 0 < on_screen < CHARTS
    expect(drawn).to_have_count(on_screen)
    for more in range(on_screen + 1, CHARTS + 1):
        page.wait_for_function("Boolean(window.goOn)")
        page.evaluate("{ const { goOn } = window; window.goOn = null; goOn(); }")
        expect(drawn).to_have_count(more)
    assert look.said == []


def test_modules_are_asked_for_together_and_kept(look: Look) -> None:
    page, asked, held = look.page, set[str](), list[Route]()
    page.on("request", lambda request: asked.add(request.url.rpartition("/")[2]))
    page.route("**/app.js", lambda route: held.append(route))
    page.goto(f"{look.url}/ljwx/#/data", wait_until="commit")
    awaited, latest = {f"{name}.js" for name in MODULES}, time.monotonic() + PATIENCE_MS / 1000
    while not (held and awaited <= asked) and time.monotonic() < latest:
        page.wait_for_timeout(20)
    assert awaited <= asked
    held.pop().continue_()
    look.settled()
    page.unroute("**/app.js")
    look.open("record")
    look.open("record")
    sent = page.evaluate(
        "performance.getEntriesByType('resource').filter((one) => one.name.includes('/static/'))"
        ".map((one) => [one.name.split('/').at(-1), one.transferSize])"
    )
    assert {name for name, _ in sent} >= {"style.css", "app.js", "record.js", *(f"{name}.js" for name in MODULES)}
    assert [each for each in sent if each[1]] == []


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


def test_a_day_that_is_not_whole_is_found_by_keyboard_with_the_command_that_fills_it(look: Look) -> None:
    page = look.open("data")
    days = page.get_by_role("table", name="2026 年每个交易日的状态")
    expect(days.locator("td.complete")).to_have_count(SESSIONS - 1)
    days.get_by_role("button").first.focus()
    expect(page.locator("main [role=status]")).to_contain_text("不完整,应有 3 只,收到 2,缺 1")
    gaps = page.get_by_role("region", name="缺口与补法")
    expect(gaps.get_by_role("row", name="不完整")).to_contain_text("airflow dags trigger ljwx_daily_ingest --conf")
    expect(page.get_by_role("region", name="隔离的行,按原因")).to_contain_text("high_low")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("table", name="State of each trading day of 2026")).to_be_visible()
    page.emulate_media(color_scheme="dark")
    look.check()


def test_an_answer_leads_to_its_bars_and_to_the_run_that_made_it(look: Look) -> None:
    page = look.open(f"analysis/{STOCKS[0]}")
    page.get_by_role("row", name="2026-02-10").get_by_role("link", name="来历").click()
    made_from = page.get_by_role("region", name="由什么得来")
    expect(page.locator(".node.root")).to_contain_text(ANSWER)
    expect(page.locator(".node.root").get_by_role("link")).to_have_attribute("href", f"#/analysis/{STOCKS[0]}")
    expect(made_from.locator(".node").filter(has_text="行情").get_by_role("link").first).to_have_attribute(
        "href", "#/data"
    )
    expect(made_from.get_by_text("tests.forward")).to_have_count(2)
    page.get_by_label("名称").fill(f"2026-02-10/{STOCKS[0]}")
    page.keyboard.press("Enter")
    expect(made_from.get_by_role("link", name="price_direction/model:v1").first).to_have_attribute("href", "#/record")
    look.check()


def test_models_are_shown_with_who_serves_and_why_and_how_they_were_trained(look_at_models: Look) -> None:
    page = look_at_models.open("models")
    champion = page.locator("section.card", has=page.get_by_role("heading", name="冠军", exact=True))
    expect(champion).to_contain_text(CHAMPION)
    expect(champion).to_contain_text("已证明有效")
    expect(page.locator(".chart .plotly")).to_have_count(2)
    told = f"3 个模型的准确率;最新 {CHALLENGER} 为 0.410,其最强对手 majority 为 0.380"
    expect(page.get_by_role("img", name=told)).to_be_visible()
    decision = page.locator("details", has_text="晋升")
    decision.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(decision.get_by_role("listitem")).to_have_text(["✓ the sentence of proven", "✗ the sentence of calibration"])
    look_at_models.shoot("models")
    look_at_models.check()


def test_two_models_are_compared(look_at_models: Look) -> None:
    page = look_at_models.open("models")
    page.get_by_role("button", name="English").click()
    page.get_by_label("First").select_option(CHAMPION)
    page.get_by_label("Second").select_option(OLD)
    page.get_by_role("button", name="Compare").click()
    row = page.get_by_role("region", name="accuracy").get_by_role("row", name="all questions")
    expect(row.get_by_role("cell").nth(2)).to_have_text("66.7%")
    expect(row.get_by_role("cell").nth(3)).to_have_text("50.0%")
    page.emulate_media(color_scheme="dark")
    look_at_models.check()


def test_a_model_leads_to_the_run_that_built_it_in_airflow(look_at_models: Look) -> None:
    page = look_at_models.open("lineage")
    expect(page.locator(".node.root")).to_contain_text(CHAMPION)
    run = page.get_by_role("link", name="ljwx_model_build.verify_model").first
    expect(run).to_have_attribute("target", "_top")
    reached = run.evaluate("link => new URL(link.href).pathname")
    assert reached == "/dags/ljwx_model_build/runs/manual__2026-03-01T12%3A00%3A00%2B00%3A00/tasks/verify_model"
    look_at_models.shoot("lineage")
    look_at_models.check()


@pytest.mark.parametrize("place", [*PAGES, "models"])
def test_a_page_whose_server_is_down_says_so_and_can_be_tried_again(look: Look, place: str) -> None:
    look.page.route("**/api/v1/**", lambda route: route.abort())
    page = look.open(place)
    expect(page.locator(".notice.bad")).to_contain_text("无法连接服务器")
    assert set(look.said) <= {"Failed to load resource: net::ERR_FAILED"}
    look.said.clear()
    look.check()
    page.unroute("**/api/v1/**")
    page.get_by_role("button", name="重试").click()
    expect(page.locator("h1")).to_be_visible()


@pytest.mark.parametrize("place", ["analysis", "record", "data", "models", "lineage"])
def test_a_page_without_data_says_what_is_missing(look_at_empty: Look, place: str) -> None:
    look_at_empty.open(place)
    look_at_empty.shoot(f"{place}-empty")
    missing = {"Failed to load resource: the server responded with a status of 404 (Not Found)"}
    assert set(look_at_empty.said) <= missing
    look_at_empty.said.clear()
    look_at_empty.check()
