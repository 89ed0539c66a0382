"""The model server of decisions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from support_ollama import OllamaServer
    from support_tasks import TaskRunner


@pytest.fixture
def server(ollama_sandbox: OllamaServer, tasks: TaskRunner) -> Iterator[OllamaServer]:
    """The model server; the alias and the second model are gone afterwards. The test split stays sealed."""
    # Late: the modules with fixtures have to be loaded by pytest itself, which changes their asserts.
    from support_decisions import LATEST, OTHER, settings

    tasks.variables["ljwx_training_config"] = settings(test_share=0)
    yield ollama_sandbox
    for name in (LATEST, OTHER, "ljwx-stock:previous", "ljwx-stock:challenger"):
        ollama_sandbox.delete(name)
