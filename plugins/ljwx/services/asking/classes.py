"""The class alone: a question of which only the first tokens of the answer are asked for, and no text is kept.

The probabilities are those that the whole answer would tell, for a fraction of its time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ljwx.core.evaluations.token_probabilities import class_probabilities, class_told_at
from ljwx.core.ollama import ChatReply
from ljwx.core.tasks import TASKS
from ljwx.services.asking.full import Asking, Prompted, Texts
from ljwx.services.asking.servers import Server
from ljwx.settings import Settings
from ljwx.warehouse.class_answers import ClassAnswer

FIRST_TOKENS: Final = 16
"""Asked for where nothing is known of a model yet: of `{"direction":"` and a class, laid out in lines."""
MOST_TOKENS: Final = 64
"""An answer that has not come to its class by then does not come to it."""

NO_CLASS, UNDECIDED, NO_LOGPROBS = "no_class", "undecided", "no_logprobs"


class ClassTokens:
    """How many tokens answers take to come to their class, by model and task, as they have shown so far.

    A new one is made for each run of questions. Lanes share it: what one has just learned another may miss, which
    costs some tokens and changes no answer.
    """

    def __init__(self) -> None:
        self._needed: dict[tuple[str, str], int] = {}

    def expected(self, model: str, task: str) -> int:
        """Return how many to ask for."""
        return self._needed.get((model, task), FIRST_TOKENS)

    def learn(self, model: str, task: str, needed: int) -> None:
        """Take note of an answer that has given its class."""
        self._needed[model, task] = max(needed, self._needed.get((model, task), 0))


def ask_class(
    server: Server,
    model: str,
    prompted: Prompted,
    settings: Settings,
    tokens: ClassTokens,
    parameters: Mapping[str, Any] | None = None,
    texts: Texts | None = None,
) -> ClassAnswer:
    """Ask a model how likely it takes each class to be.

    An answer that has not given its class with the tokens that were expected is asked for again with more of them.

    :param parameters: the challenger's, for its untuned base; None for a model of ours.
    :param texts: of the questions that are asked together; None for one alone.
    """
    field, thinks = TASKS[prompted.task].class_field, bool(settings.evaluation.think)
    most = settings.evaluation.num_predict if thinks else MOST_TOKENS
    asked = most if thinks else tokens.expected(model, prompted.task)
    asking, latency = Asking(server.ollama, model, settings, parameters, texts or Texts()), 0.0
    while True:
        reply, seconds = asking.put(prompted, asked)
        latency += seconds
        place = class_told_at(prompted.task, field, reply.logprobs)
        if place is not None or not _can_tell(reply) or reply.done_reason != "length" or asked >= most:
            break
        asked = min(most, 2 * asked)
    if place is not None:
        tokens.learn(model, prompted.task, place)
    said = class_probabilities(prompted.task, field, reply.logprobs) if place is not None else None
    return ClassAnswer(
        sample_id=prompted.sample_id,
        probabilities=said,
        reason=None if said else _reason(reply, place),
        server=server.name,
        latency_s=latency,
        server_s=reply.total_seconds,
        prompt_tokens=reply.prompt_eval_count or 0,
        answer_tokens=reply.eval_count or 0,
    )


def _can_tell(reply: ChatReply) -> bool:
    """Whether the server gave log-probabilities."""
    return any(token.alternatives for token in reply.logprobs)


def _reason(reply: ChatReply, place: int | None) -> str:
    if not _can_tell(reply):
        return NO_LOGPROBS
    return NO_CLASS if place is None else UNDECIDED
