"""What it means that a model is proven or not, in words for those who read its answers. Pure: no I/O, no clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Standing:
    """Whether a model was shown to be any good.

    :param word: for a table; `word_chinese` is the same.
    :param chinese: what it means, in a sentence or two; `english` says the same.
    """

    word: str
    word_chinese: str
    chinese: str
    english: str

    @property
    def of_champion(self) -> str:
        """The word and what it means of a model that serves, in English."""
        why = "" if self.word == "proven" else " It serves because no other was shown to be better."
        return f"{self.word}: {self.english[0].lower()}{self.english[1:]}{why}"


PROVEN: Final = Standing(
    "proven",
    "已获证实",
    "在计入的交易日上,它对股票的排序优于偶然,它的概率也比各类别的历史频率说得更多。这是过去的表现,不保证将来。",
    "On the sessions counted it ranked stocks better than chance does, and its probabilities said more than how often "
    "each class came before. That is about the past, and no promise.",
)
UNPROVEN: Final = Standing(
    "unproven",
    "未经证实",
    "尚无证据表明它对股票的排序优于偶然,或它的概率比各类别的历史频率说得更多。"
    "请把它的回答当作对事实的复述,不要当作预测。",
    "Nothing shows yet that it ranks stocks better than chance does, or that its probabilities say more than how often "
    "each class came before. Read its answers as a summary of facts, and not as a forecast.",
)
NOT_ASKED: Final = Standing(
    "not asked",
    "未检验",
    "就它作出决定时,还没有检验过它是否优于偶然。请视为未经证实。",
    "Whether it is any better than chance was not asked when it was decided on. Take it as unproven.",
)
FAILING: Final = Standing(
    "failing",
    "表现失常",
    "前瞻记录的监测发现,它最近的回答已不如从前(见 ljwx record watch)。在恢复之前,请不要把它的回答当作预测。",
    "The watch over the forward record found that its answers are not what they were (see ljwx record watch). Until "
    "they are, do not read them as a forecast.",
)


def standing(proven: bool | None, failing: str | None = None) -> Standing:
    """Return what a decision's `proven` means; None is one that did not ask.

    :param failing: what the watch marks the model for; None where it does not.
    """
    if failing is not None:
        return FAILING
    return NOT_ASKED if proven is None else PROVEN if proven else UNPROVEN
