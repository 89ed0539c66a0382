"""Words of time that say no certain day, such as 上个月, 去年底 or "a week ago".

Pure: never imports airflow, an HTTP client or a database driver.
"""

from __future__ import annotations

import re
from typing import Final

_UNIT: Final = r"(?:交易日|个?交易周|小时|天|日|周|星期|礼拜|个?月|季度?|年)"
_MANY: Final = r"(?:\d+|[一两二三四五六七八九十百千几数多半若干好]+)"
_MONTH: Final = (
    r"(?:january|february|april|june|july|august|september|october|november|december|"
    r"jan|feb|apr|jun|jul|aug|sept?|oct|nov|dec)"
)
_MONTHS: Final = rf"(?:{_MONTH}|march|may)"
_DAYS: Final = r"(?:mon|tues|wednes|thurs|fri|satur|sun)day"
_SPAN: Final = r"(?:days?|sessions?|weeks?|fortnights?|months?|quarters?|years?|hours?|decades?)"
_VAGUE: Final = (
    rf"{_MANY}\s*多?\s*个?\s*{_UNIT}(?:多|半)?\s*(?:之|以)?前",
    r"(?:\d+|[一二三四五六七八九十]+)日(?:之|以)?前",
    r"上+(?:一?个?|1个?)(?:交易日|周|星期|礼拜|月|季度?|年度?|半年)(?!涨|均|线)(?:初|底|末|中)?",
    rf"前(?:一|1|几|两|二|三|些|\d+)个?{_UNIT}",
    r"大?前[阵段]|前阵子|前晚|前夜|(?:大?前|去|上|昔|往|当|那)年(?:初|底|末|中)?(?!度?涨)",
    r"(?:今|本|当|这个?|那个?)?(?:年|月|季度?)(?:初|底|末(?!来)|中旬)",
    r"[上中下]旬|[本这当那]个?月\s*\d{1,2}[日号]?|[本这]?周末",
    r"(?<![\d个.])(?:\d{1,2}|十[一二]|[一二三四五六七八九十])\s*月(?!线|均|度|\s*均线|内|后|以内)(?:份|初|底|末|中)?",
    r"(?<![\d.])(?:19|20)\d\d\s*年(?!报)(?:初|底|末|中|度)?|[二一][〇零○九][〇零○一二三四五六七八九]{2}年|(?<!\d)[12]\d\s*年(?!线|均|内|后|期|国债|来)(?:初|底|末|中)",
    r"(?<![\d.价本¥$])20[12]\d(?:[-/.]\d{1,2})?(?![\d元块股手万亿点%])(?!\.\d)",
    r"(?:第?[一二三四1-4]|首)季度?(?!报)|\bq[1-4]\b|[上下]半年",
    r"春节|国庆|元旦|清明|端午|中秋|劳动节|除夕|圣诞|(?:五一|十一|双十一|节|假期?|长假)(?:之?前|之?后|期间|假期|那天)",
    r"(?<![\d.])\d{1,2}\s*号(?!线|文)|(?<![\d.])\d{1,2}日(?=收盘|当天|那天|(?:的)?(?:走势|行情|表现|分析|怎么样|如何)|\s*$|[,。?!])",
    r"(?<![\d.])\d{1,2}\s*(?:月|/|-)\s*\d{1,2}(?![\d%])(?=\s|$|[,。?!的日号收\u4e00-\u9fff])(?!\s*(?:日|天)?(?:均线|线|个|元|%))",
    r"(?<![\d.])\d{1,4}([-/.])\d{1,2}\1\d{1,4}(?![\d.])",
    r"(?<![\d.])(?:0?[1-9]|1[0-2])\.\d{1,2}(?=日|号|收盘|那天|当天|的?收盘)",
    r"昨(?!晚|天|日)|前几|不久前|早前|此前|以前|之前|先前|日前|早先|曾经|当初|刚才|(?<![a-z])t\s?-\s?\d",
    (
        rf"\b(?:\d+|an?|few|couple|several|some|many|[a-z]+teen|one|two|three|four|five|six|seven|eight|nine|ten|twelve|twenty|thirty|half)"
        rf"(?:\s+of)?\s+(?:a\s+)?(?:trading\s+|business\s+|calendar\s+)?{_SPAN}\s+(?:ago|back|earlier|before|prior)\b"
    ),
    (
        rf"\b(?:last|past|previous|prior|preceding|other|earlier\s+this|beginning\s+of(?:\s+the)?|start\s+of(?:\s+the)?|end\s+of(?:\s+the)?)\s+"
        rf"(?:few\s+|\d+\s+)?(?:week|fortnight|month|quarter|year|night|decade|summer|winter|spring|autumn|fall|{_MONTHS})\b"
    ),
    r"\b(?:previous|prior|preceding|other|penultimate)\s+(?:trading\s+|business\s+)?(?:day|session|close)\b",
    r"\bsecond\s+to\s+last\s+(?:trading\s+)?(?:day|session)\b|\bday\s+before\b|\bago\b|\bback\s+then\b",
    rf"\b(?:in|of|since|during|late|early|mid|end\s+of|until|by)[\s-]+{_MONTHS}\b|\b{_MONTH}\b",
    rf"(?<!next\s)(?<!coming\s)(?<!by\s)(?<!until\s)\b{_DAYS}\b",
    r"\b(?:christmas|new\s+year|spring\s+festival|national\s+day|year[\s-]end|ytd|year[\s-]to[\s-]date|the\s+\d{1,2}(?:st|nd|rd|th))\b",
)
_WITHOUT_DAY: Final = r"那一?天|当[天时日]|那时候?|那会儿|\b(?:that|the\s+same)\s+day\b"
"""What points at a day that was said."""
_ALL: Final = re.compile("|".join(f"(?:{each})" for each in _VAGUE if "\\1" not in each))
_DATES: Final = re.compile(next(each for each in _VAGUE if "\\1" in each))
_POINTING: Final = re.compile(_WITHOUT_DAY)


def vague_in(text: str, *, with_day: bool) -> str | None:
    """Return the first words of time that say no certain day; None where there are none.

    :param text: in half width and lower case, without days, codes and names.
    :param with_day: whether the message names a day besides.
    """
    patterns = (_ALL, _DATES) if with_day else (_ALL, _DATES, _POINTING)
    found = [match for pattern in patterns if (match := pattern.search(text))]
    return min(found, key=lambda each: each.start())[0].strip() if found else None
