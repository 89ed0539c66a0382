"""What the page of a month says beside its numbers, in Chinese and English. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from ljwx.core.analysis.words import LABELLED, RISK

Found = Literal["shown", "not_shown", "worse"]
NOT_SHOWN_BY_IT: Final[Found] = "not_shown"


@dataclass(frozen=True)
class Words:
    """The same in both languages."""

    chinese: str
    english: str


LABEL: Final = Words(LABELLED["zh"], LABELLED["en"])
RISKS: Final = Words(RISK["zh"], RISK["en"])
VERDICTS: Final[Mapping[Found, Words]] = MappingProxyType(
    {
        "shown": Words(
            "到目前为止,它的概率比各类别的历史频率说得更多。这是过去的表现,不保证将来。",
            "So far its probabilities said more than how often each class came before. That is about the past, and no "
            "promise.",
        ),
        "not_shown": Words(
            "未经证实:还不能说它的概率比各类别的历史频率说得更多。请不要把它的回答当作预测。",
            "Not proven: nothing shows yet that its probabilities say more than how often each class came before. Do "
            "not read its answers as a forecast.",
        ),
        "worse": Words(
            "不如历史频率:只说各类别的历史频率,得分会更好。",
            "Worse than class rates: whoever only said how often each class came before would have scored better.",
        ),
    }
)

NOT_SHOWN: Final = (
    Words(
        "回答在结果出现之前就已存在:本页和导出文件都不能证明,只有事先保存的封存消息(摘要)能证明。",
        "That the answers were there before the outcome: neither this page nor an export shows it. A message with a "
        "digest that somebody kept at the time does.",
    ),
    Words(
        "没有另一份不公开的记录:任何链都证明不了。",
        "That there is no second, secret record: no chain can show that.",
    ),
    Words(
        "将来会和过去一样:成绩是已经过去的交易日的。",
        "That what comes will be as what was: the scores are those of sessions that are over.",
    ),
    Words(
        "每个范围单独以 95 % 成立;一页有许多数字,其中约二十分之一会凭运气落在范围之外。",
        "Each bound holds with 95 % by itself; a page has many numbers, and about one in twenty is wrong by luck.",
    ),
)
"""What the page does not show."""
