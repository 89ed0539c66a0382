"""One question to one model: asked with its schema, read strictly, returned as a record of `ljwx.answers`."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ljwx.core.evaluations.faithfulness import count_claims
from ljwx.core.evaluations.questions import distribution
from ljwx.core.evaluations.token_probabilities import class_probabilities
from ljwx.core.features import groups_of
from ljwx.core.ollama import ChatReply, TokenLogprob
from ljwx.core.prompts import Expected, Prompts, expected, load_prompts, question
from ljwx.core.tasks import TASKS, hashed_tasks
from ljwx.hooks.ollama import OllamaHook
from ljwx.resources import included_below
from ljwx.settings import Settings
from ljwx.warehouse.evaluations import ModelAnswer, StoredQuestion

CUT_WHILE_THINKING = "cut_while_thinking"
"""The reason of an invalid answer whose model was still thinking when its tokens were used up."""


@dataclass(frozen=True)
class Prompted:
    """What a model is asked about.

    :param sample_id: empty where it is no sample's.
    :param snapshot: JSON text.
    """

    sample_id: str
    task: str
    snapshot: str
    prompt_version: str

    @classmethod
    def of(cls, stored: StoredQuestion, snapshot: str | None = None) -> Prompted:
        """Return what a stored question asks about; with another snapshot where one is given."""
        return cls(stored.question.sample_id, stored.question.task, snapshot or stored.snapshot, stored.prompt_version)


def prompts_of(prompted: Prompted) -> Prompts:
    """Return the texts that a question is asked with: those of its version, for the facts that its snapshot holds."""
    return Texts().of(prompted)


class Texts:
    """The texts of questions, each read once: who asks many questions does not change the words midway."""

    def __init__(self) -> None:
        self._read: dict[Hashable, Prompts] = {}

    def of(self, prompted: Prompted) -> Prompts:
        """Return those that a question is asked with: of its version, for the facts that its snapshot holds."""
        groups = groups_of(json.loads(prompted.snapshot))
        key = prompted.prompt_version, prompted.task, tuple(group.name for group in groups)
        if key not in self._read:
            files = included_below("prompts")
            self._read[key] = load_prompts(files, prompted.prompt_version, [prompted.task], groups)
        return self._read[key]


def beginning(prompted: Prompted, texts: Texts) -> str:
    """Return what is equal for questions that begin alike: the facts where they come first, else the task."""
    return prompted.snapshot if texts.of(prompted).facts_first else prompted.task


@dataclass(frozen=True)
class ReadAnswer:
    """An answer as it was read: of an invalid one there is only the reason.

    :param probabilities: by class, as the answer says them; None where they are no distribution.
    """

    valid: bool
    label: str | None = None
    probabilities: Mapping[str, float] | None = None
    parsed: Mapping[str, Any] | None = None
    reason: str | None = None


def ask(
    ollama: OllamaHook,
    model: str,
    prompted: Prompted,
    settings: Settings,
    *,
    parameters: Mapping[str, Any] | None = None,
    texts: Texts | None = None,
) -> ModelAnswer:
    """Ask a model about a sample; an answer that cannot be read is kept as it came, and invalid.

    Probabilities come from the token that decides on the class where the server gives its log-probabilities, else from
    what the model wrote.

    :param parameters: the challenger's, for its untuned base, which has neither them nor our system prompt: it is given
        both. None for a model of ours, which has them.
    :param texts: of the questions that are asked together; None for one alone.
    """

    texts = texts or Texts()
    asking = Asking(ollama, model, settings, parameters, texts)
    reply, latency = asking.put(prompted, settings.evaluation.num_predict)
    cut = reply.done_reason == "length"
    wanted = expected(prompted.task, prompted.snapshot, texts.of(prompted))
    read = read_answer(wanted, reply.content, cut=cut, thought=bool(reply.thinking))
    probabilities, source = _probabilities(prompted.task, read, reply.logprobs)
    return ModelAnswer(
        sample_id=prompted.sample_id,
        raw=storable(reply.raw),
        valid=read.valid,
        label=read.label,
        parsed=read.parsed,
        probabilities=probabilities,
        probabilities_from=source,
        reason=read.reason,
        claims=None if read.parsed is None else count_claims(read.parsed, prompted.snapshot),
        latency_s=latency,
        server_s=reply.total_seconds,
        prompt_tokens=reply.prompt_eval_count or 0,
        answer_tokens=reply.eval_count or 0,
    )


@dataclass(frozen=True)
class Asking:
    """A model on a server, and how it is asked.

    :param parameters: as of :func:`ask`.
    """

    ollama: OllamaHook
    model: str
    settings: Settings
    parameters: Mapping[str, Any] | None
    texts: Texts

    def put(self, prompted: Prompted, num_predict: int) -> tuple[ChatReply, float]:
        """Put a question to the model; return what came, and the seconds from request to last token.

        :param num_predict: most tokens of the answer.
        """
        asked, prompts = self.settings.evaluation, self.texts.of(prompted)
        system = self.parameters is not None
        messages = list(question(prompted.task, prompted.snapshot, prompts, system=system))
        form = expected(prompted.task, prompted.snapshot, prompts).schema()
        started = time.monotonic()
        reply = self.ollama.chat(
            self.model,
            messages,
            format=form,
            options={**_options(self.settings, self.parameters), "num_predict": num_predict},
            top_logprobs=asked.top_logprobs or None,
            think=asked.think,
        )
        return reply, time.monotonic() - started


def storable(text: str) -> str:
    """Return the text with what no PostgreSQL text can hold, NUL and halves of a surrogate pair, written as escapes."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def request_config(settings: Settings, parameters: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return what decides on an answer beside model and sample; answers asked with something else are no match.

    Schemas and prompts are those of :func:`ljwx.core.tasks.hashed_tasks`: version 0.1's tasks, and later ones in use.

    :param parameters: as in :func:`ask`.
    """

    samples = settings.samples
    prompts = load_prompts(included_below("prompts"), samples.prompt_version, samples.tasks, samples.groups)
    schemas = json.dumps([prompts.form.schema(TASKS[task], prompts.citable) for task in hashed_tasks(samples.tasks)])
    think = settings.evaluation.think
    return {
        "options": _options(settings, parameters), "top_logprobs": settings.evaluation.top_logprobs,
        "schemas": hashlib.sha256(schemas.encode()).hexdigest(), "prompts": prompts.sha256,
        **({"think": think} if think else {}),
    }  # fmt: skip


def class_request_config(settings: Settings, parameters: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return what decides on the probabilities of a class: as :func:`request_config`, without what bounds a text."""
    sent = request_config(settings, parameters)
    return {**sent, "options": {key: sent["options"][key] for key in sent["options"] if key != "num_predict"},
            "asks": "class"}  # fmt: skip


def _options(settings: Settings, parameters: Mapping[str, Any] | None) -> dict[str, Any]:
    asked = settings.evaluation
    return {**(parameters or {}), "temperature": 0, "seed": asked.seed, "num_predict": asked.num_predict}


def read_answer(wanted: Expected | str, text: str, *, cut: bool, thought: bool = False) -> ReadAnswer:
    """Read an answer strictly by the schema that it was asked with.

    :param wanted: what the answer has to be, or the name of a task whose answer is in prose.
    :param cut: whether the model was stopped before the end of its answer.
    :param thought: whether it thought before; cut then without a text, it had not come to an answer.
    """

    wanted = Expected(wanted) if isinstance(wanted, str) else wanted
    try:
        read = wanted.read(text)
    except ValueError:
        stopped = CUT_WHILE_THINKING if thought and not text else "cut_at_num_predict"
        return ReadAnswer(False, reason=stopped if cut else "not_the_schema")
    written = read.probabilities
    return ReadAnswer(True, read.label, distribution(wanted.task, written) if written else None, read.fields)


def _probabilities(
    task: str, read: ReadAnswer, tokens: Sequence[TokenLogprob]
) -> tuple[Mapping[str, float] | None, str | None]:
    """Return the probabilities and where they come from; an invalid answer has none."""

    weighed = class_probabilities(task, TASKS[task].class_field, tokens) if read.valid else None
    if weighed:
        return weighed, "tokens"
    return (read.probabilities, "answer") if read.probabilities else (None, None)
