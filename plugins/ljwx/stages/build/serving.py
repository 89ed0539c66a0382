"""The proof that a trained model is what is served: asked as it will be asked, and compared with the trainer's word."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import exp
from typing import Any

from ljwx.core.models import BuildSpec
from ljwx.core.training.comparison import Said, apart, apart_on_average, compare, shares
from ljwx.core.training.result import Fork, Prompt
from ljwx.core.training.settings import TOLERANCE
from ljwx.core.verification import Findings
from ljwx.exceptions import ConfigurationError
from ljwx.hooks.ollama import OllamaHook
from ljwx.services.asking.full import storable

log = logging.getLogger(__name__)

ALTERNATIVES = 20
"""As many likeliest tokens as a server tells."""
UNSURE = 0.1
"""Share of the prompts in which a class may be hidden behind the likeliest tokens, by more than the tolerance."""
LOOSEST, LOOSEST_ON_AVERAGE = 0.1, 0.05
"""A server computes with the tensors that stay quantised otherwise than the trainer: by as much as it shows with the
untouched base on average, at most by twice as much (:data:`WORST`), and no more than this, a trained model may differ
further."""
WORST = 2
"""The worst of a score of prompts says little, the base's as the model's; the mean decides."""
_OTHER_WEIGHTS = ("base_served", "weights_differ")
ENDED = 4
"""Whole answers that are asked for, to see where they end: one of each task."""


@dataclass(frozen=True)
class Serving:
    """A trained model as its server serves it.

    :param prompts: of the trainer's proof.
    :param found: what the checks have found so far.
    """

    ollama: OllamaHook
    model: str
    spec: BuildSpec
    prompts: Sequence[Prompt]
    num_predict: int
    found: Findings

    def check_weights(self) -> None:
        """See that prompts become the trainer's tokens and classes have the trainer's probabilities.

        :raises BuildFailed: they do not; the reason says whether template, base or weights are at fault.
        """
        if self.spec.training is None:
            return
        tolerance = TOLERANCE[self.spec.training.output]
        self._check_sure(tolerance)
        served = [self._asked(number, prompt) for number, prompt in enumerate(self.prompts, 1)]
        trained, base = (
            [Said(prompt.ids, measured) for prompt, measured in zip(self.prompts, each, strict=True)]
            for each in ([p.trained for p in self.prompts], [p.base for p in self.prompts])
        )
        compared = compare(trained, served, base, tolerance)
        if compared.reason in _OTHER_WEIGHTS:  # whether they are the base's, the server itself knows best
            log.info("It differs: asking the untouched base, to see by how much this server differs from the trainer")
            own = [self._classes(self.spec.base, prompt) or prompt.base for prompt in self.prompts]
            as_served = [Said(prompt.ids, classes) for prompt, classes in zip(self.prompts, own, strict=True)]
            on_average = min(tolerance + apart_on_average(base, as_served), LOOSEST_ON_AVERAGE)
            tolerance = min(tolerance + WORST * apart(base, as_served), LOOSEST)
            compared = compare(trained, served, as_served, tolerance, on_average)
        self.found.served = asdict(compared) | {
            "tolerance": tolerance, "output": self.spec.training.output, "classes": self._before_and_after(),
        }  # fmt: skip
        text = compared.text(self.model, tolerance)
        if compared.reason is not None:
            self.found.refuse(compared.reason, text)
        self.found.hold("served", text)

    def check_end(self) -> None:
        """See that answers come to their end by themselves, and are whole then: no schema holds them here.

        :raises BuildFailed: most do not.
        """
        if self.spec.training is None:
            return
        answers = [self._whole(prompt) for prompt in self.prompts[:ENDED]]
        wrong = [(text, why) for text, why in answers if why is not None]
        if 2 * len(wrong) > len(answers):
            text = f"{len(wrong)} of {len(answers)} answers of {self.model} {wrong[0][1]}: its stop words, "
            text += f"{self.spec.parameters.get('stop')}, are not those that it was trained with"
            self.found.refuse("stop", text, *(storable(answer) for answer, _ in wrong))
        self.found.hold("stop", "Its answers end by themselves.")

    def _check_sure(self, tolerance: float) -> None:
        """See that classes are among the likeliest tokens, which are all that a server tells.

        Only the tokens of prompts are compared where they are not, so that a wrong template is still found first.
        """
        unsure = [prompt for prompt in self.prompts if hidden(prompt) > tolerance]
        if len(unsure) <= UNSURE * len(self.prompts):
            return
        others = [prompt for prompt in unsure if self._tokens(prompt) != prompt.ids]
        if others:
            text = f"{len(others)} of {len(unsure)} prompts become other tokens with {self.model} than in training: "
            self.found.refuse("other_prompts", f"{text}template, system prompt or tokenizer are others")
        least = min(prompt.mass for prompt in unsure)
        self.found.refuse(
            "hardly_trained",
            f"{self.model} was hardly trained: in {len(unsure)} of {len(self.prompts)} prompts its answer need not be "
            f"a class at all (probability {least:.2f}); train longer, on more samples, or with a larger learning rate",
        )

    def _before_and_after(self) -> list[tuple[str, float, float]]:
        """Return each class with its mean probability before training and after."""
        measured: dict[str, list[tuple[float, float]]] = {}
        for prompt in self.prompts:
            for name, after in prompt.trained.items():
                measured.setdefault(name, []).append((prompt.base[name], after))
        means = (
            (name, [sum(each) / len(pairs) for each in zip(*pairs, strict=True)]) for name, pairs in measured.items()
        )
        return [(name, round(before, 4), round(after, 4)) for name, (before, after) in means]

    def _whole(self, prompt: Prompt) -> tuple[str, str | None]:
        """Return an answer, and what is wrong with its end."""
        options = {"temperature": 0, "seed": 1, "num_predict": self.num_predict}
        reply = self.ollama.chat(self.model, [prompt.messages[-1]], options=options)
        if reply.done_reason == "length":
            return reply.raw, f"do not end within {self.num_predict} tokens"
        try:
            json.loads(reply.content)
        except ValueError:
            return reply.raw, "are cut"
        return reply.raw, None

    def _asked(self, number: int, prompt: Prompt) -> Said:
        if number % 10 in (0, 1):
            log.info("Comparing with the trained model: prompt %d of %d", number, len(self.prompts))
        ended = dict.fromkeys(prompt.trained, 0.0)
        return Said(self._tokens(prompt), self._classes(self.model, prompt) or ended)

    def _tokens(self, prompt: Prompt) -> tuple[int, ...]:
        """Return the token ids that the server makes of a question, in the model's own template."""
        rendered = self.ollama.complete(self.model, prompt.messages[-1]["content"], options=self._one_token)
        if rendered.prompt is None:
            raise ConfigurationError(
                f"{self.ollama.settings.url} does not say which tokens it makes of a prompt (/api/generate, context), "
                "so that nothing can be said of what it serves: take Ollama 0.33 or 0.34"
            )
        return rendered.prompt

    def _classes(self, model: str, prompt: Prompt) -> dict[str, float] | None:
        """Return the probability of each class, as a model on the server has it.

        None where its likeliest token there has no text: it ends the answer, or is a part of a character. A server
        tells nothing of such a token, nor of those beside it.
        """
        likeliest = [self._probabilities(model, prompt, fork) for fork in prompt.forks]
        if not all(likeliest):
            return None
        return shares([(fork.ways, given) for fork, given in zip(prompt.forks, likeliest, strict=True)])

    def _probabilities(self, model: str, prompt: Prompt, fork: Fork) -> dict[str, float]:
        """Return the likeliest tokens where classes part, behind the trainer's own text of prompt and answer."""
        reply = self.ollama.complete(
            model, f"{prompt.text}{fork.before}", raw=True, options=self._one_token, top_logprobs=ALTERNATIVES
        )
        if not reply.logprobs and not reply.content:
            return {}
        if not reply.logprobs:
            raise ConfigurationError(
                f"{self.ollama.settings.url} gives no log-probabilities of tokens (/api/generate, logprobs), without "
                "which nothing can be said of the weights that it serves: take Ollama 0.33 or 0.34"
            )
        first = reply.logprobs[0]
        return {token: exp(logprob) for token, logprob in ((first.token, first.logprob), *first.alternatives)}

    @property
    def _one_token(self) -> dict[str, Any]:
        return {"temperature": 0, "seed": 1, "num_predict": 1}


def hidden(prompt: Prompt) -> float:
    """Return the most that a class's share can be which a server does not tell, because other tokens are likelier.

    Each of the likeliest tokens that is no class is at least as likely as a class behind them all, and together they
    have what the classes leave.
    """
    most = (1.0 - prompt.mass) / (ALTERNATIVES + 1 - len(prompt.trained))
    is_told = most < prompt.mass * min(prompt.trained.values())
    return 0.0 if is_told else most / max(prompt.mass, most)
