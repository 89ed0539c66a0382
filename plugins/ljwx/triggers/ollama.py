"""Follow a model server's long work in the triggerer, so that no worker slot waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

from airflow.triggers.base import BaseTrigger, TriggerEvent

from ljwx.exceptions import LjwxError

if TYPE_CHECKING:
    from ljwx.hooks.ollama import OllamaHook

Verb = Literal["create", "pull"]


class OllamaTrigger(BaseTrigger):
    """Run a verb of OllamaHook that reports progress, and log it; started again elsewhere, the verb runs again.

    Its one event is ``{"error": None}``, or the name of an exception class of :mod:`ljwx.exceptions` with its message.

    :param verb: `create` or `pull`.
    :param arguments: of the verb, as JSON can hold them.
    """

    def __init__(self, ollama_conn_id: str, verb: Verb, arguments: Mapping[str, Any]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.ollama_conn_id = ollama_conn_id
        self.verb = verb
        self.arguments = dict(arguments)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class and what makes this trigger again in another process."""
        fields = {"ollama_conn_id": self.ollama_conn_id, "verb": self.verb, "arguments": self.arguments}
        return f"{type(self).__module__}.{type(self).__qualname__}", fields

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Do the work in a thread: the hook waits for HTTP, the triggerer must not.

        Cancelled, it hangs up, so that the thread ends; what a server goes on to make alone, the next try makes again.
        """
        hook = await asyncio.to_thread(self._hook)
        try:
            texts = await asyncio.to_thread(self._start, hook)
            while (text := await asyncio.to_thread(next, texts, None)) is not None:
                self.log.info(text)
        except LjwxError as error:
            yield TriggerEvent({"error": type(error).__name__, "message": str(error)})
            return
        except asyncio.CancelledError:
            hook.hang_up()
            raise
        yield TriggerEvent({"error": None})

    def _hook(self) -> OllamaHook:
        from ljwx.hooks.ollama import OllamaHook

        return OllamaHook(self.ollama_conn_id)

    def _start(self, hook: OllamaHook) -> Iterator[str]:
        from ljwx.core.ollama import progress_texts

        return progress_texts(hook.pull(**self.arguments) if self.verb == "pull" else hook.create(**self.arguments))
