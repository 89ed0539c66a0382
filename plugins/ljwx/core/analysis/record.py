"""What the forward record adds to a report: what calls of a kind were worth so far, and which answers it has itself.

Pure: never imports airflow, an HTTP client or a database driver.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from zoneinfo import ZoneInfo

from ljwx.core.analysis.analysis import Bounded, Fared, Judgement, Language, Line
from ljwx.core.analysis.words import class_word, texts
from ljwx.core.tasks import TASKS

CLASS_ALONE: Final = texts(
    "前瞻记录里对这只股票只问了类别与可能性,没有问理由。",
    "The forward record asked for the class and its chances alone: there are no reasons.",
)
_WHEN: Final[Mapping[Language, tuple[str, str]]] = {
    "zh": ("早于下一次开盘", "晚于下一次开盘,不计入成绩"),
    "en": ("before the next open", "after the next open: they count nowhere"),
}
"""In time, and late."""
_SHANGHAI: Final = ZoneInfo("Asia/Shanghai")


def told_from(judgements: Sequence[Judgement], language: Language) -> Iterator[Line]:
    """Yield where the answers come from: the record, the model as it was asked, or code."""
    recorded = [each.source for each in judgements if each.source.at is not None]
    if recorded:
        at = max(each.at for each in recorded if each.at is not None).astimezone(_SHANGHAI)
        when = _WHEN[language][int(any(each.late for each in recorded))]
        yield Line(
            f"模型的判断取自前瞻记录,写于 {at:%Y-%m-%d %H:%M}(北京时间),{when}"
            if language == "zh"
            else f"The answers are those of the forward record, written {at:%Y-%m-%d %H:%M} in Shanghai, {when}"
        )
    if any(each.source.way == "asked" for each in judgements):
        some = bool(recorded)
        yield Line(
            f"{'其余' if some else ''}判断由模型在被问到时给出,不在前瞻记录里"
            if language == "zh"
            else f"The {'other ' if some else ''}answers were given when the model was asked, and stand in no record"
        )
    if any(each.source.way == "facts" for each in judgements):
        yield Line(
            "技术面由程序按当日指标得出,没有问模型"
            if language == "zh"
            else "The technical state is code's, from the session's indicators: no model was asked"
        )


def fared_lines(judgement: Judgement, language: Language) -> Iterator[Line]:
    """Yield how this model's settled calls to the same question have fared; nothing of what no outcome decides."""
    if judgement.task in TASKS and not TASKS[judgement.task].needs_future:
        return
    if judgement.fared is None:
        yield Line(
            "此前的成绩:前瞻记录里还没有这个模型对该问题的已结算判断,准不准尚无从谈起。"
            if language == "zh"
            else "Track record: no call of this model to this question is settled yet; nothing is shown of it so far."
        )
        return
    yield Line((_chinese if language == "zh" else _english)(judgement, judgement.fared))


def _chinese(judgement: Judgement, fared: Fared) -> str:
    sentence = (
        f"此前的成绩(前瞻记录,{fared.first} 至 {fared.last},{fared.sessions} 个交易日):同类判断已结算 {fared.calls} 次,"
        f"说中 {fared.hits.mean:.0%}(95% 区间 {fared.hits.low:.0%}~{fared.hits.high:.0%})"
    )
    if fared.gain is not None:
        sentence += f";{_GAINS[_sign(fared.gain)][0]}({_nats(fared.gain, '区间 ', '~')})"
    counted = fared.by_class.get(judgement.label or "")
    if counted is not None:
        word = class_word(judgement.task, judgement.label or "", "zh")
        sentence += f"。其中判断「{word}」{counted[0]} 次,应验 {counted[1]} 次"
    return f"{sentence}。"


def _english(judgement: Judgement, fared: Fared) -> str:
    sentence = (
        f"Track record (forward record, {fared.first} to {fared.last}, {fared.sessions} sessions): {fared.calls} "
        f"such calls are settled, {fared.hits.mean:.0%} came true (95 % bounds {fared.hits.low:.0%} to "
        f"{fared.hits.high:.0%})"
    )
    if fared.gain is not None:
        sentence += f"; {_GAINS[_sign(fared.gain)][1]} ({_nats(fared.gain, 'bounds ', ' to ')})"
    counted = fared.by_class.get(judgement.label or "")
    if counted is not None:
        word = class_word(judgement.task, judgement.label or "", "en")
        sentence += f'. Of its {counted[0]} calls of "{word}" {counted[1]} came true'
    return f"{sentence}."


_GAINS = {
    1: ("它的概率比历史频率说得更多", "its probabilities say more than class rates do"),
    0: ("尚不能证实它的概率比历史频率说得更多", "not proven yet to say more than class rates do"),
    -1: ("它的概率还不如历史频率", "its probabilities say less than class rates do"),
}
"""By the sign of a gain that is certain; 0 where it is not."""


def _sign(gain: Bounded) -> int:
    return 1 if gain.low > 0 else -1 if gain.high < 0 else 0


def _nats(gain: Bounded, bounds: str, to: str) -> str:
    unit = "每题对数得分 " if to == "~" else "log score a question "
    between = ", " if to != "~" else ","
    return f"{unit}{gain.mean:+.3f}{between}{bounds}{gain.low:+.3f}{to}{gain.high:+.3f}"
