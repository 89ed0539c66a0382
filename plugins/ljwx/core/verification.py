"""What a model has to show before it becomes a candidate. Pure: no airflow, HTTP or SQL."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, NoReturn

from ljwx.core.abstention import Abstention, share
from ljwx.core.promotions import Reason
from ljwx.core.thinking import Think
from ljwx.exceptions import BuildFailed

FIXED_PROMPTS: Final = ("请用一句话介绍你自己。", "怎样判断一只股票的风险？")
"""Asked of a model and of its base, without a schema: a model that its prompts reach answers differently."""
UNHELD: Final = (
    ": a server may hold a model that can think to no schema unless it thinks, as Ollama does qwen3.5 and gemma4; "
    "set evaluation.think, with a larger evaluation.num_predict, or take another base"
)
"""What to do where a model that can think, and was asked not to, does not keep to the schema; a sentence's end."""
QUOTED = 200
"""Characters of an answer that an error quotes; the refusal keeps all of it."""

_SPECIAL = re.compile(
    r"<\|[^|<>\s]{1,40}\|>|<｜[^｜<>]{1,40}｜>|</?s>|\[/?INST\]|<</?SYS>>|<(?:start|end)_of_turn>|<(?:unk|pad|bos|eos)>"
)


@dataclass(frozen=True)
class ProbeAnswer:
    """One answer to a question of a verification, as it was measured.

    :param reason: machine-readable cause of an invalid answer.
    :param latency_s: seconds from request to last token.
    """

    sample_id: str
    task: str
    valid: bool
    reason: str | None
    latency_s: float
    prompt_tokens: int
    answer_tokens: int


@dataclass
class Findings:
    """What a verification has found so far; None where it has not come to it.

    :param evaluation: settings of the evaluation, as JSON.
    :param reasons: what holds, and last what does not.
    :param examples_from_train: how many examples the model shows, all of the train split.
    :param first_token_s: seconds to the first token, loading the model included.
    :param context: tokens that the server has loaded the model for; 0 where it does not say.
    :param differs_from_base_on: fixed prompts that model and base answer differently.
    :param abstentions: answers to bare questions, which give no facts.
    :param served: how far a trained model is, as it is served, from what was trained; as JSON.
    :param said: the answers that the model is refused for.
    """

    evaluation: Mapping[str, Any]
    reasons: list[Reason] = field(default_factory=list)
    examples_from_train: int | None = None
    first_token_s: float | None = None
    answers: list[ProbeAnswer] = field(default_factory=list)
    context: int | None = None
    differs_from_base_on: list[str] | None = None
    abstentions: list[Abstention] | None = None
    served: Mapping[str, Any] | None = None
    said: list[str] | None = None

    def hold(self, code: str, text: str) -> None:
        """Note what speaks for the model."""
        self.reasons.append(Reason(code=code, text=text, favourable=True))

    def refuse(self, code: str, text: str, *said: str) -> NoReturn:
        """Note what is wrong, and raise BuildFailed.

        :param said: the answers at fault.
        """
        self.reasons.append(Reason(code=code, text=text, favourable=False))
        self.said = list(said)
        raise BuildFailed(f"{text}: {said[-1][:QUOTED]!r}" if said else text)

    @property
    def checks(self) -> dict[str, Any]:
        """What was measured, as JSON."""
        measured = {
            "evaluation": self.evaluation,
            "examples_from_train": self.examples_from_train,
            "first_token_s": self.first_token_s,
            "answers": None if self.first_token_s is None else [asdict(answer) for answer in self.answers],
            "context": self.context,
            "differs_from_base_on": self.differs_from_base_on,
            "abstention": None
            if self.abstentions is None
            else {
                "share": share(self.abstentions),
                "answers": [asdict(each) for each in self.abstentions],
            },
            "served": self.served,
            "said": self.said,
        }
        return {name: value for name, value in measured.items() if value is not None}


def abstained(checks: Mapping[str, Any] | None) -> list[bool]:
    """Return of each question without facts of a verification whether the answer said so; none of a model of before.

    :param checks: what was measured, as JSON.
    """
    asked = None if checks is None else checks.get("abstention")
    return [] if asked is None else [each["abstained"] for each in asked["answers"]]


def special_tokens(text: str) -> list[str]:
    """Name the chat template's own marks in an answer: a template that does not fit the weights lets them through.

    >>> special_tokens("买入<|im_end|>")
    ['<|im_end|>']
    """
    return sorted(set(_SPECIAL.findall(text)))


def endless_thought(num_predict: int, think: Think) -> str:
    """Say what a model that thinks without coming to an answer needs, as the end of a sentence."""
    if think:
        return f": it thinks for all of its {num_predict} tokens; raise evaluation.num_predict, or do not let it think"
    return (
        f": it thinks for all of its {num_predict} tokens, asked not to or on a server that does not know that it can; "
        "take another base or a newer server, or raise evaluation.num_predict"
    )


def context_problem(prompt_tokens: int, num_predict: int, context: int) -> str | None:
    """Say why a prompt with its longest answer does not fit the context, all in tokens; None when it fits."""
    if prompt_tokens + num_predict <= context:
        return None
    return (
        f"a prompt of {prompt_tokens} tokens and an answer of {num_predict} do not fit num_ctx {context}: "
        "lower model.examples_per_task or raise model.parameters.num_ctx"
    )
