"""TuShare's codes and texts of errors, each with the class that says what to do."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from ljwx.exceptions import (
    BadQuery,
    BadToken,
    NoPermission,
    RateLimited,
    SourceError,
    SourceUnavailable,
)
from ljwx.sources.tushare.wire import classify

_PERMISSION = "抱歉，您没有接口(daily)访问权限，权限的具体详情访问：https://tushare.pro/document/1?doc_id=108。"
_OFTEN = "抱歉，您访问接口(daily)频率超限({})，具体频次详情：https://tushare.pro/document/1?doc_id=108。"


@pytest.mark.parametrize(
    ("code", "text", "kind"),
    [
        (40101, "您的token不对，请确认。", BadToken),
        (40101, "ts_code required", BadQuery),
        (-1, "必填参数, trade_date", BadQuery),
        (40203, _PERMISSION, NoPermission),
        (40203, _OFTEN.format("500次/分钟"), RateLimited),
        (40203, "抱歉，您每分钟最多访问该接口500次，权限的具体详情访问：https://tushare.pro", RateLimited),
        (-2002, "抱歉，您没有权限访问该接口，权限的具体详情访问：https://tushare.pro", NoPermission),
        (50101, "查询数据失败，请确认参数！可以反馈管理员协助您排查问题", BadQuery),
        (-1, "请指定正确的接口名", BadQuery),
        (-1, "您的IP数量超限，最大数量为5个！", NoPermission),
        (-1, "服务器错误，请稍后再试！如有疑问，请联系管理员。", SourceUnavailable),
        (-1, "系统内部错误", SourceUnavailable),
        (50101, "系统未知错误，请稍后再试。", SourceUnavailable),
        (31337, "something new", SourceUnavailable),
    ],
)
def test_every_row_of_the_error_table_has_its_class(code: int, text: str, kind: type[SourceError]) -> None:
    assert type(classify(code, text)) is kind


@pytest.mark.parametrize(
    ("text", "unit", "seconds"),
    [
        (_OFTEN.format("500次/分钟"), "minute", 65.0),
        (_OFTEN.format("10次/小时"), "hour", 3600.0),
        (_OFTEN.format("8000次/天"), "day", 1.5 * 3600),
        ("抱歉，您每分钟最多访问该接口500次，权限的", "minute", 65.0),
        ("抱歉，您每小时最多访问该接口10次，权限的", "hour", 3600.0),
        ("抱歉，您每天最多访问该接口100次，权限的", "day", 1.5 * 3600),
    ],
)
def test_a_rate_limit_knows_its_unit_and_wait(text: str, unit: str, seconds: float) -> None:
    late_evening = datetime(2026, 11, 20, 22, 30, tzinfo=timezone(timedelta(hours=8)))
    error = classify(40203, text, late_evening.astimezone(timezone.utc))
    assert isinstance(error, RateLimited)
    assert (error.unit, error.wait_seconds) == (unit, seconds)
