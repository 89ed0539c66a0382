"""Which of our models answer for the forward record: the one that serves, and the newest of lines that challenge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ljwx.hooks.warehouse import WarehouseHook
from ljwx.warehouse.forward import ForwardModel


@dataclass(frozen=True)
class Speakers:
    """Models that answer.

    :param serves: the champion; its `line_id` is None where it was built before lines were kept.
    :param challenge: of each open line the newest that is another model; of the champion's line too, whose next one it
        may be.
    """

    serves: ForwardModel | None
    challenge: tuple[ForwardModel, ...]

    @property
    def all(self) -> tuple[ForwardModel, ...]:
        """All of them, the champion first."""
        return (*(() if self.serves is None else (self.serves,)), *self.challenge)

    def go_on_with(self, begun: Sequence[ForwardModel]) -> Speakers:
        """Return those of a session that is being asked about.

        A challenger that was built meanwhile begins with the next session: its line's that has begun goes on. The
        champion is asked in any case.
        """
        serves = self.serves and self.serves.digest
        others = [each for each in begun if each.line_id is not None and each.digest != serves]
        lines = {each.line_id for each in others}
        return Speakers(self.serves, (*others, *(each for each in self.challenge if each.line_id not in lines)))


def speakers(warehouse: WarehouseHook) -> Speakers:
    """Return the models that answer about the next session.

    A challenger that the gate rejected is below its floors, and answers for nobody.
    """
    champion, serves = warehouse.champion(), None
    if champion is not None:
        known = warehouse.model(champion.model)
        serves = ForwardModel(champion.model, champion.digest, None if known is None else known.line_id)
    newest = [each for each in warehouse.newest_models() if each.verdict != "rejected"]
    others = [each for each in newest if champion is None or each.digest != champion.digest]
    return Speakers(serves, tuple(ForwardModel(each.model, each.digest, each.line_id) for each in others))
