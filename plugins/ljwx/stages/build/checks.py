"""The checks of a verification: strategy, examples, answers, context, and the difference between model and base."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ljwx.core.abstention import QUESTIONS, Abstention, abstains, share
from ljwx.core.models import BuildSpec
from ljwx.core.promotions import Reason
from ljwx.core.prompts import question
from ljwx.core.thinking import split_thinking
from ljwx.core.verification import (
    FIXED_PROMPTS,
    UNHELD,
    Findings,
    ProbeAnswer,
    context_problem,
    endless_thought,
    special_tokens,
)
from ljwx.hooks.loaded_context import context_in_force
from ljwx.hooks.ollama import OllamaHook
from ljwx.hooks.token_counts import no_count, require_counts
from ljwx.services.asking.full import CUT_WHILE_THINKING, Prompted, ask, prompts_of, storable
from ljwx.settings import Settings
from ljwx.strategies import strategy_named
from ljwx.warehouse.evaluations import ModelAnswer

log = logging.getLogger(__name__)

REPEATS = 3
"""The first one has the rest of its prompt computed and fills the server's prefix cache; the other two are compared."""
COMPARED_TOKENS = 32
ABSTENTION_TOKENS = 64
"""Enough for an abstention; what a model makes up beyond them need not be read."""


@dataclass(frozen=True)
class Verification:
    """A model that is checked; each check raises BuildFailed when the model does not pass it.

    :param found: what the checks have found so far.
    """

    ollama: OllamaHook
    model: str
    spec: BuildSpec
    settings: Settings
    found: Findings

    def check_strategy(self) -> None:
        """See that the spec is one that its strategy makes: the strategy says whether weights were changed."""
        problem = strategy_named(self.spec.strategy).problem(self.spec)
        if problem is not None:
            self.found.refuse("strategy", problem)

    def check_examples(self, splits: Mapping[str, str], dataset_id: str) -> None:
        """See that each example the model shows is in the dataset's train split.

        :param splits: of each example that the dataset holds.
        """
        examples = self.spec.examples
        foreign = [sample for sample in examples if splits.get(sample) != "train"]
        if foreign:
            text = f"the spec shows {foreign} as examples, which {dataset_id} does not hold for training"
            self.found.refuse("examples", text)
        self.found.examples_from_train = len(examples)
        if examples:
            self.found.hold("examples", f"It shows {len(examples)} examples, all of the train split.")

    def check_answers(self, probes: Mapping[str, Sequence[Prompted]]) -> None:
        """Ask until each task has a valid answer, and the first question again."""
        first = next(iter(probes.values()))[0]
        log.info("Loading %s, and waiting for the first token of its first answer", self.model)
        self.found.first_token_s = self._first_token(first)
        log.info("The first token came after %.1f s", self.found.first_token_s)
        self._check_counts()
        for number, (task, questions) in enumerate(probes.items(), 1):
            self._check_task(task, questions, f"task {number} of {len(probes)}, {task}")
        self._check_repeated(first)

    def _first_token(self, probe: Prompted) -> float:
        """Return the seconds to the first piece of an answer, loading the model included."""
        messages = question(probe.task, probe.snapshot, prompts_of(probe), system=False)
        options = {"temperature": 0, "seed": self.settings.evaluation.seed, "num_predict": 1}
        started = time.monotonic()
        next(iter(self.ollama.chat_stream(self.model, list(messages), options=options)))
        return time.monotonic() - started

    def _check_counts(self) -> None:
        """See for how many tokens the model is loaded, and that the server's counts of them can be believed.

        That they cannot is no fault of the model; so this comes before anything that it could be refused for.
        """
        self.found.context = context_in_force(self.ollama, self.model) or 0
        asked = self._asked_context or self.found.context
        if asked:
            require_counts(self.ollama, self.model, asked)

    @property
    def _asked_context(self) -> int:
        written = self.spec.parameters.get("num_ctx")
        return int(written) if isinstance(written, int | float) else 0

    def _check_task(self, task: str, questions: Sequence[Prompted], position: str) -> None:
        """Ask a task's questions until one has a valid answer."""
        answers: list[ModelAnswer] = []
        for number, probe in enumerate(questions, 1):
            log.info("Asking for a valid answer: %s, question %d of at most %d", position, number, len(questions))
            answer = ask(self.ollama, self.model, probe, self.settings)
            answers.append(answer)
            self.found.answers.append(_measured(task, answer))
            self._check_marks(split_thinking(answer.raw)[1])
            if answer.valid:
                self.found.hold(f"valid_answer:{task}", f"Its answer number {number} to {task} is valid.")
                return
        text = f"{self.model} gives no valid answer for {task} ({answers[-1].reason})"
        asked = self.settings.evaluation
        if answers[-1].reason == CUT_WHILE_THINKING:
            text += endless_thought(asked.num_predict, asked.think)
        elif not asked.think and self.ollama.can_think(self.model):
            text += UNHELD
        self.found.refuse(f"valid_answer:{task}", text, *(each.raw for each in answers))

    def _check_repeated(self, probe: Prompted) -> None:
        """See that the same question has the same answer at temperature 0.

        A prompt that is computed and one read from the server's prefix cache differ in their last bits: the first
        repeat is not compared.
        """
        texts = []
        for number in range(1, REPEATS + 1):
            log.info("Asking the first question again: %d of %d", number, REPEATS)
            texts.append(ask(self.ollama, self.model, probe, self.settings).raw)
        _, one, other = texts
        if one != other:
            text = f"{self.model} answers the same question in two ways at temperature 0"
            self.found.refuse("repeated", text, one, other)
        self.found.hold("repeated", "Asked the same question twice at temperature 0, it gives the same answer.")

    def check_context(self) -> None:
        """See that the longest prompt and an answer fit the context that the server has in force.

        Where it does not say, they must fit what was asked for, and no context is noted.
        """
        context = self.found.context or self._asked_context
        if not context:
            return
        counted = [answer.prompt_tokens for answer in self.found.answers]
        if not all(counted):
            raise no_count(self.ollama, self.model)
        longest = max(counted)
        problem = context_problem(longest, self.settings.evaluation.num_predict, context)
        if problem is not None:
            self.found.refuse("context", f"{self.model}: {problem}")
        self.found.hold("context", f"Its longest prompt, {longest} tokens, and an answer fit its context of {context}.")

    def check_base(self) -> None:
        """See that model and base answer fixed prompts differently; no schema keeps a template's marks out here."""
        base = self.spec.base
        said: list[str] = []
        differing: list[str] = []
        for number, prompt in enumerate(FIXED_PROMPTS, 1):
            log.info("Comparing with the base %s: fixed prompt %d of %d", base, number, len(FIXED_PROMPTS))
            said.append(self._plain_answer(self.model, prompt))
            self._check_marks(split_thinking(said[-1])[1])
            if said[-1] != self._plain_answer(base, prompt):
                differing.append(prompt)
        self.found.differs_from_base_on = differing
        self.found.hold("marks", "No answer holds a mark of its template.")
        if not differing:
            text = f"{self.model} answers like its base {base}: system prompt and examples do not reach it"
            text += "; see template" if any(split_thinking(each)[1] for each in said) else "; both only think"
            self.found.refuse("differs_from_base", text, *said)
        text = f"It answers {len(differing)} of {len(said)} fixed prompts otherwise than {base}."
        self.found.hold("differs_from_base", text)

    def check_abstention(self, probe: Prompted) -> None:
        """Ask in a bare chat, as a person would, about stocks without facts, and see whether the model says so.

        Only of a model whose prompts say what to do then. The share is recorded; the settings say whether it refuses.

        :param probe: any question of the model's dataset, for the version of its prompts.
        """
        if not prompts_of(probe).without_facts:
            return
        self.found.abstentions = answers = []
        for number, asked in enumerate(QUESTIONS, 1):
            log.info("Asking without facts: question %d of %d", number, len(QUESTIONS))
            said = split_thinking(self._plain_answer(self.model, asked, ABSTENTION_TOKENS))[1]
            answers.append(Abstention(asked, said, abstains(said)))
        least, reached = self.settings.evaluation.min_abstention_share, share(answers)
        count = sum(each.abstained for each in answers)
        text = f"It answers {count} of {len(answers)} questions without facts by saying that it has none."
        if reached < least:
            made_up = [each.answer for each in answers if not each.abstained]
            self.found.refuse("abstention", f"{text} evaluation.min_abstention_share asks for {least:.0%}", *made_up)
        self.found.reasons.append(Reason(code="abstention", text=text, favourable=count == len(answers)))

    def _plain_answer(self, name: str, prompt: str, num_predict: int = COMPARED_TOKENS) -> str:
        options = {"temperature": 0, "seed": 1, "num_predict": num_predict}
        return storable(self.ollama.chat(name, [{"role": "user", "content": prompt}], options=options).raw)

    def _check_marks(self, answer: str) -> None:
        """See that an answer holds no mark of the chat template."""
        if leaked := special_tokens(answer):
            self.found.refuse("marks", f"{self.model} lets its template's marks through: {' '.join(leaked)}", answer)


def _measured(task: str, answer: ModelAnswer) -> ProbeAnswer:
    return ProbeAnswer(
        sample_id=answer.sample_id,
        task=task,
        valid=answer.valid,
        reason=answer.reason,
        latency_s=answer.latency_s,
        prompt_tokens=answer.prompt_tokens,
        answer_tokens=answer.answer_tokens,
    )
