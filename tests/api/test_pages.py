"""The page and its API: who may see them, what they are served with, and what they say of the record."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from ljwx.api import mounted as mounting
from ljwx.api import pages
from ljwx.api.app import make_app, mounted_app
from ljwx.api.mounted import Mounted
from ljwx.core.analysis.words import LABELLED, RISK
from ljwx.exceptions import ConfigurationError
from ljwx.services.config import ServeSettings
from ljwx.stages.forward.settle import settle_sessions
from support_chain import Database
from support_serve import STOCK
from support_settled import STOCKS, record_until_wednesday
from support_tasks import TaskRunner

PLOTLY = "vendor/plotly-finance.min.js"
VALUES = {"ts_code": STOCK, "name": "app.js"}


def only_ann(request: Request) -> None:
    """A login such as Airflow's: 401 without one, 403 with a wrong one."""
    given = request.headers.get("authorization")
    if given is None:
        raise HTTPException(401, "Not authenticated")
    if given != "Bearer ann":
        raise HTTPException(403, "Forbidden")


@pytest.fixture
def mounted(db: Database) -> Iterator[TestClient]:
    """The application as Airflow mounts it, below a path."""
    around = FastAPI()
    around.mount("/some/path/ljwx", mounted_app(Depends(only_ann)))
    with TestClient(around, base_url="http://test/some/path/ljwx/") as client:
        yield client


def paths(app: FastAPI) -> list[tuple[str, str]]:
    """Method and path of every route."""
    return [
        (method, route.path.replace(":path", "").format(**VALUES))
        for route in app.routes
        if isinstance(route, APIRoute)
        for method in route.methods
    ]


def test_no_route_answers_without_a_login_but_health(mounted: TestClient) -> None:
    app = mounted_app(Depends(only_ann))
    health = ("GET", "/api/v1/health")
    found = {(method, path): mounted.request(method, path.lstrip("/")).status_code for method, path in paths(app)}
    assert len(found) > 10
    assert {route for route, status in found.items() if status != 401} == {health}
    bob = {"Authorization": "Bearer bob"}
    refused = {
        (method, path): mounted.request(method, path.lstrip("/"), headers=bob).status_code for method, path in found
    }
    assert refused == {route: 200 if route == health else 403 for route in found}


def test_nothing_but_the_routes_answers(mounted: TestClient) -> None:
    mounted.headers["Authorization"] = "Bearer ann"
    for path in (
        "api/v1/openapi.json",
        "docs",
        "static/../app.py",
        "static/%2e%2e/app.py",
        "static/nothing.js",
        "v1/models",
    ):
        assert mounted.get(path).status_code == 404, path


def test_the_page_stands_below_any_path_and_says_what_it_is(mounted: TestClient) -> None:
    mounted.headers["Authorization"] = "Bearer ann"
    page = mounted.get("")
    assert page.status_code == 200
    assert '<meta name="ai-generated" content="true">' in page.text
    assert page.headers["x-ai-generated"] == "true"
    assert re.findall(r'(?:href|src)="(/[^"]*|https?:[^"]*)"', page.text) == []
    assert re.findall(r"<script(?![^>]*src=)|\son\w+=", page.text) == []


def test_a_page_is_framed_by_its_own_origin_alone_and_runs_its_own_scripts(mounted: TestClient) -> None:
    mounted.headers["Authorization"] = "Bearer ann"
    for path in ("", "static/app.js"):
        headers = mounted.get(path, headers={"Origin": "https://elsewhere.cn"}).headers
        policy = headers["content-security-policy"]
        assert "frame-ancestors 'self'" in policy
        assert "script-src 'self';" in policy
        assert "http" not in policy
        assert (headers["x-frame-options"], headers["x-content-type-options"]) == ("SAMEORIGIN", "nosniff")
        assert "access-control-allow-origin" not in headers
    assert mounted.get("api/v1/health").headers["x-frame-options"] == "DENY"


def test_files_are_asked_for_again_and_sent_when_they_have_changed(mounted: TestClient) -> None:
    mounted.headers["Authorization"] = "Bearer ann"
    first = mounted.get("static/app.js")
    assert (first.headers["cache-control"], first.headers["content-type"]) == (
        "no-cache",
        "text/javascript; charset=utf-8",
    )
    again = mounted.get("static/app.js", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    whole = mounted.get("static/app.js", headers={"Accept-Encoding": "identity"})
    assert whole.text == first.text


def test_files_whose_address_says_their_version_are_kept_for_a_year(mounted: TestClient) -> None:
    mounted.headers["Authorization"] = "Bearer ann"
    kept, page = "private, max-age=31536000, immutable", mounted.get("").text
    addresses = re.findall(r'(?:href|src)="(static/[^"]+)"', page)
    (version,) = {address.split("/")[1] for address in addresses}
    assert {mounted.get(address).headers["cache-control"] for address in addresses} == {kept}
    before = mounted.get(f"static/{'0' * len(version)}/app.js")
    assert (before.headers["cache-control"], before.text) == ("no-cache", mounted.get("static/app.js").text)
    plotly = mounted.get(f"static/{version}/{PLOTLY}")
    assert (plotly.headers["cache-control"], plotly.headers["content-encoding"]) == (kept, "gzip")
    hint, told = plotly.text.split("\n", 1)
    assert hint == "//# allFunctionsCalledOnLoad"
    assert told == (pages.STATIC / PLOTLY).read_text(encoding="utf-8")


def test_plotly_is_as_its_makers_published_it() -> None:
    decided = Path(__file__).parents[2] / "docs" / "adr" / "0024-charts-by-plotlys-own-script.md"
    (written,) = re.findall(r"SHA-256\s+`([0-9a-f]{64})`", decided.read_text(encoding="utf-8"))
    assert hashlib.sha256((pages.STATIC / PLOTLY).read_bytes()).hexdigest() == written


def test_another_file_is_another_version(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    own = {"app.js": tmp_path / "app.js", PLOTLY: tmp_path / "plotly.js"}
    found = []
    for app, plotly in (("1", "1"), ("2", "1"), ("2", "2"), ("2", "2")):
        own["app.js"].write_text(app)
        own[PLOTLY].write_text(plotly)
        monkeypatch.setattr(pages, "files", lambda: own)
        found.append(pages.digest.__wrapped__())
    assert len(set(found[:3])) == 3
    assert found[2] == found[3]


def test_what_modules_import_is_asked_for_with_the_page_and_plotly_is_not(mounted: TestClient) -> None:
    page = mounted.get("", headers={"Authorization": "Bearer ann"}).text
    asked = set(re.findall(r'rel="modulepreload" href="static/[0-9a-f]{12}/([^"]+)"', page))
    modules = [*pages.STATIC.glob("*.js"), *pages.STATIC.glob("pages/*.js")]
    imported = {
        (module.parent / name).resolve().relative_to(pages.STATIC).as_posix()
        for module in modules
        for name in re.findall(r'^import .* from "([^"]+)"', module.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert asked == imported
    assert len(asked) > 3
    assert "plotly" not in page


def test_the_words_on_every_page_are_those_of_every_report() -> None:
    text = (pages.STATIC / "i18n.js").read_text(encoding="utf-8")
    for language in ("zh", "en"):
        assert LABELLED[language][:8] in text
        assert RISK[language] in text


def test_the_page_is_open_to_those_who_have_yet_to_give_their_token(db: Database) -> None:
    client = TestClient(make_app(ServeSettings()))
    assert client.get("/ljwx/").status_code == 200
    assert client.get("/ljwx/static/app.js").status_code == 200
    assert client.get("/ljwx/api/v1/record").status_code == 401


def test_the_record_is_shown_by_model_and_task(warehouse_url: str, tasks: TaskRunner) -> None:
    record = record_until_wednesday(warehouse_url)
    tasks.run(settle_sessions)
    client = TestClient(mounted_app(Depends(only_ann)), headers={"Authorization": "Bearer ann"})
    found = client.get("/api/v1/record").json()
    assert (found["first"], found["last"], found["batches"], found["open"]) == ("2026-03-02", "2026-03-04", 1, 0)
    assert [(each["answerer"], each["task"], each["skill"], each["rank_ic"]) for each in found["courses"]] == [
        ("model:v1", "risk_assessment", [], []),
        ("model:v1", "price_direction", [], []),
    ]
    direction = found["courses"][1]
    assert (direction["score"]["hit_rate"], direction["reliability"][0]["accuracy"]) == (1, 1)
    assert direction["earned"]["sessions"] == ["2026-03-03", "2026-03-04"]
    assert (direction["earned"]["index"], direction["earned"]["index_code"]) == (None, None)
    assert direction["earned"]["index_note"].startswith("No index beside it: no level of one is stored")
    assert record.hook.forward_batches()


def test_a_bar_is_traced_to_the_run_that_airflow_shows(warehouse_url: str) -> None:
    record_until_wednesday(warehouse_url)
    client = TestClient(mounted_app(Depends(only_ann)), headers={"Authorization": "Bearer ann"})
    bar = client.get(f"/api/v1/lineage/2026-03-02/{STOCKS[0]}").json()
    (run,) = bar["made_from"][0]["made_from"]
    assert run["run"] == {"dag_id": "tests", "run_id": "one", "task_id": "forward", "map_index": -1}


def test_only_in_airflow_the_page_knows_where_airflow_shows_runs(mounted: TestClient) -> None:
    page = mounted.get("", headers={"Authorization": "Bearer ann"})
    assert '<meta name="airflow" content="../">' in page.text
    alone = TestClient(make_app(ServeSettings())).get("/ljwx/")
    assert '<meta name="airflow" content="">' in alone.text
    assert page.headers["etag"] != alone.headers["etag"]


def test_the_data_are_told_year_by_year(warehouse_url: str) -> None:
    record_until_wednesday(warehouse_url)
    client = TestClient(mounted_app(Depends(only_ann)), headers={"Authorization": "Bearer ann"})
    found = client.get("/api/v1/coverage").json()
    assert (found["first"], found["last"], found["years"], found["year"]) == ("2026-03-02", "2026-03-04", [2026], 2026)
    assert found["states"] == {"complete": 3}
    assert [day["state"] for day in found["days"]] == ["complete"] * 3
    assert client.get("/api/v1/coverage?year=2020").json()["days"] == []


def test_without_a_record_the_answer_says_so(mounted: TestClient) -> None:
    error = mounted.get("api/v1/record", headers={"Authorization": "Bearer ann"}).json()["error"]
    assert (error["kind"], error["message"][:28]) == ("not_found", "there is no forward record y")


def test_a_stock_has_its_bars_and_what_was_said_of_it(warehouse_url: str, tasks: TaskRunner) -> None:
    record_until_wednesday(warehouse_url)
    tasks.run(settle_sessions)
    client = TestClient(mounted_app(Depends(only_ann)), headers={"Authorization": "Bearer ann"})
    found = client.get(f"/api/v1/stocks/{STOCKS[0]}/bars").json()
    assert found["session"] == ["2026-03-02", "2026-03-03", "2026-03-04"]
    assert found["close"][-1] == 10.4
    assert found["ma5"] == [None, None, None]
    calls = {each["task"]: (each["said"], each["chance"], each["came"], each["outcome"]) for each in found["calls"]}
    assert calls["price_direction"] == ("up", 0.5, "up", "right")
    assert calls["risk_assessment"][3] == "wrong"
    assert client.get("/api/v1/stocks/999999.SZ/bars").status_code == 404


def test_prices_are_not_passed_on_beyond_this_machine(crowned: Database, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    route = f"/ljwx/api/v1/stocks/{STOCK}/bars"
    beyond = TestClient(make_app(ServeSettings(host="0.0.0.0", operator="某公司")), headers=headers)
    refused = beyond.get(route)
    assert (refused.status_code, refused.json()["error"]["kind"]) == (403, "prices")
    here = TestClient(make_app(ServeSettings()), headers=headers).get(route)
    assert len(here.json()["session"]) > 100


def test_a_warehouse_without_tables_says_so_in_both_languages(db: Database) -> None:
    client = TestClient(mounted_app(Depends(only_ann)), headers={"Authorization": "Bearer ann"})
    db.execute("DROP SCHEMA ljwx CASCADE")
    for path in ("stocks?q=0", "record", "data", "models", "decisions", "scores", "trainings", "coverage"):
        response = client.get(f"/api/v1/{path}")
        error = response.json()["error"]
        assert (response.status_code, error["kind"]) == (503, "no_tables"), path
        assert "run `ljwx migrate`" in error["message"]
        assert "`ljwx migrate`" in error["chinese"]


def test_wrong_settings_are_told_in_one_line_without_what_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong() -> FastAPI:
        raise ConfigurationError("serve.requests: Input should be a valid integer")

    monkeypatch.setattr(mounting, "application", wrong)
    response = TestClient(Mounted()).get("/api/v1/data")
    assert (response.status_code, response.json()["error"]["kind"]) == (503, "configuration")
    assert "serve.requests" not in response.text


def test_no_text_puts_a_plural_behind_a_number_that_may_be_one(repository: Path) -> None:
    """Such as "1 reasons"; "reasons: 1" is right of any number."""
    pages = (repository / "plugins" / "ljwx" / "api" / "static" / "pages").glob("*.js")
    month = (repository / "include" / "reports" / "month.html.j2").read_text(encoding="utf-8")
    texts = [text for page in pages for text in re.findall(r'"([^"\n]*)"', page.read_text(encoding="utf-8"))]
    number = r"\{(?:n|batches|gaps|late|open|questions|quarantined|settled|right)\}"
    plural = r" (?:(?:[a-z]+ ){0,2}[a-z]+s|have|were|that)\b"
    assert [text for text in texts if re.search(number + plural, text)] == []
    assert re.findall(r"\{\{ page\.\w+(?: \| length)? \}\}" + plural, month) == []
