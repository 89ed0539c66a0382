"""Which models answer for the record: the newest of the lines that serve or challenge, and the untuned base."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ljwx.core.forward.chain import Batch, prompts_of_spec
from ljwx.exceptions import ModelMissing, RecordUnfinished
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.asking.candidates import ModelRef
from ljwx.services.asking.servers import LOST, Server
from ljwx.services.lines import line_id_of
from ljwx.settings import Settings
from ljwx.warehouse.forward import ForwardModel

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answerer:
    """A model that is asked.

    :param line_id: the line that it belongs to; None of the untuned base.
    :param prompt_version: of the texts that it was taught, whatever datasets have been made since; the base is asked in
        those of the first of our models, which is held against it.
    """

    ref: ModelRef
    line_id: str | None
    prompt_version: str


def answerers(
    warehouse: WarehouseHook, settings: Settings, servers: Sequence[Server], batch: Batch, run_key: int
) -> list[Answerer]:
    """Return the models that answer about a session: those that have begun to, and of other lines the newest.

    A model that was built meanwhile begins with the next session, so that one model speaks for a line in each.

    :raises RecordUnfinished: there is no model of ours, and no server answers about the base.
    """
    begun = {each.line_id: each for each in warehouse.forward_models(batch.session)}
    newest: dict[str | None, ForwardModel] = {each.line_id: each for each in _newest(warehouse, run_key)}
    ours = newest | {line_id: each for line_id, each in begun.items() if line_id is not None}
    if not ours:
        log.info("no model of ours is verified yet: the untuned base and the rules answer alone")
    found = [
        Answerer(ModelRef(each.model, each.digest), each.line_id, _taught(warehouse, each.model, batch))
        for each in ours.values()
    ]
    version = found[0].prompt_version if found else prompts_of_spec(batch.spec)
    base = _base(warehouse, settings, servers, found, begun.get(None))
    return [*found, *(Answerer(ref, None, version) for ref in base)]


def _taught(warehouse: WarehouseHook, model: str, batch: Batch) -> str:
    spec = warehouse.sample_spec_of(model)
    return prompts_of_spec(batch.spec if spec is None else spec)


def _newest(warehouse: WarehouseHook, run_key: int) -> Iterator[ForwardModel]:
    """The newest models of the champion's line and of the open ones, the champion's first.

    One that the gate rejected is below its floors, and answers for nobody; then the champion does for its own line.
    """
    challenging = {each.line_id: each for each in warehouse.newest_models() if each.verdict != "rejected"}
    champion = warehouse.champion()
    if champion is not None:
        line_id = line_id_of(warehouse, run_key, champion.model)
        newer = challenging.pop(line_id, None)
        speaks = newer or champion
        yield ForwardModel(speaks.model, speaks.digest, line_id)
    for each in challenging.values():
        yield ForwardModel(each.model, each.digest, each.line_id)


def _base(
    warehouse: WarehouseHook,
    settings: Settings,
    servers: Sequence[Server],
    ours: Sequence[Answerer],
    begun: ForwardModel | None,
) -> list[ModelRef]:
    """The untuned base: of the first of our models, or before there is one, that of the settings as a server has it."""
    known = warehouse.model(ours[0].ref.model) if ours else None
    parameters = known.parameters if known else settings.model.parameters
    if begun is not None:
        return [ModelRef(begun.model, begun.digest, parameters)]
    if known is not None:
        return [ModelRef(known.base, known.base_digest, parameters)]
    digests = [_digest_on(server, settings.model.base) for server in servers]
    there = next((digest for digest in digests if isinstance(digest, str)), None)
    if there is not None:
        return [ModelRef(settings.model.base, there, parameters)]
    if any(not isinstance(error, ModelMissing) for error in digests):
        raise RecordUnfinished(f"no server says whether it has the base {settings.model.base}: {digests[0]}")
    log.warning("no server has the base %s: it is not asked", settings.model.base)
    return []


def _digest_on(server: Server, model: str) -> str | Exception:
    try:
        return server.ollama.digest(model)
    except LOST as error:
        return error
