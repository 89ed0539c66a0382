"""What a model has to show before it becomes a candidate. Pure: no airflow, HTTP or SQL."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

from ljwx.core.promotions import Reason
from ljwx.exceptions import BuildFailed

FIXED_PROMPTS: Final = ("请用一句话介绍你自己。", "怎样判断一只股票的风险？")
"""Asked of a model and of its base, without a schema: a model whose prompts reach it answers otherwise."""
QUOTED = 200
"""Characters of an answer that an error quotes; the refusal keeps all of it."""

_SPECIAL = re.compile(
    r"<\|[^|<>\s]{1,40}\|>|<｜[^｜<>]{1,40}｜>|</?s>|\[/?INST\]|<</?SYS>>|<(?:start|end)_of_turn>|<(?:unk|pad|bos|eos)>"
)


@dataclass
class Findings:
    """What a verification under way has found of a model.

    :param checks: what was measured, by name: seconds, tokens, counts.
    :param reasons: what holds, and last what does not.
    """

    checks: dict[str, Any]
    reasons: list[Reason] = field(default_factory=list)

    def hold(self, code: str, text: str) -> None:
        """Note what speaks for the model."""
        self.reasons.append(Reason(code=code, text=text, favourable=True))

    def refuse(self, code: str, text: str, *said: str) -> NoReturn:
        """Note what is wrong, and raise BuildFailed.

        :param said: the answers at fault.
        """
        self.reasons.append(Reason(code=code, text=text, favourable=False))
        self.checks["said"] = list(said)
        raise BuildFailed(f"{text}: {said[-1][:QUOTED]!r}" if said else text)


def special_tokens(text: str) -> list[str]:
    """Name the chat template's own marks in an answer: a template that does not fit the weights lets them through.

    >>> special_tokens("买入<|im_end|>")
    ['<|im_end|>']
    """
    return sorted(set(_SPECIAL.findall(text)))


def context_problem(prompt_tokens: int, num_predict: int, context: int) -> str | None:
    """Say why a prompt with its longest answer does not fit the context, all in tokens; None when it fits."""
    if prompt_tokens + num_predict <= context:
        return None
    return (
        f"a prompt of {prompt_tokens} tokens and an answer of {num_predict} do not fit num_ctx {context}: "
        "lower model.examples_per_task or raise model.parameters.num_ctx"
    )
