"""Names that stand for models: the aliases, and the tags under which the model server knows them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ljwx.core.model_names import is_of_repository, normalised_name, short_name
from ljwx.exceptions import NotFound
from ljwx.settings import current_settings
from ljwx.warehouse.warehouse import Warehouse

TAGS: Final[Mapping[str, str]] = MappingProxyType(
    {"champion": "latest", "previous": "previous", "challenger": "challenger"}
)
"""The tag of each alias on the model server; the champion's is what a name without a tag means."""


def find_model(warehouse: Warehouse, name: str) -> str | None:
    """Return the model that a name stands for, the name itself where it is a model's; None where it is neither.

    :param name: a model, an alias such as ``champion``, or its tag such as ``ljwx-stock:latest``, which is also
        what ``ljwx-stock`` means.
    :raises NotFound: an alias that names no model yet.
    """
    alias = _alias_of(name)
    if alias is None:
        return _stored(warehouse, name)
    found = warehouse.alias(alias)
    repository = normalised_name(name).rpartition(":")[0]
    if name != alias and not _is_ours(repository, found.model if found else ""):
        return _stored(warehouse, name)
    if found is None:
        raise NotFound(f"{name} names no model yet: there is no {alias}; `ljwx report` lists the models")
    return found.model


def known_model(warehouse: Warehouse, name: str) -> str:
    """Return the model that a name stands for.

    :raises NotFound: there is no such model, or the alias names none yet.
    """
    found = find_model(warehouse, name)
    if found is None:
        raise NotFound(f"no model is called {name!r}; `ljwx report` lists them")
    return found


def _alias_of(name: str) -> str | None:
    """Return the alias that a name may mean; None where it cannot be one."""
    if name in TAGS:
        return name
    repository, _, tag = normalised_name(name).rpartition(":")
    return next((alias for alias, of_alias in TAGS.items() if of_alias == tag and repository), None)


def _stored(warehouse: Warehouse, name: str) -> str | None:
    """Return the name under which a model is kept that is meant by another spelling of it; None where there is none."""
    spellings = (name, short_name(name), normalised_name(name))
    return next((each for each in spellings if warehouse.model(each) is not None), None)


def _is_ours(repository: str, model: str) -> bool:
    """Tell whether tags of a repository are aliases: the alias's model is of it, or the settings name it."""
    return is_of_repository(model, repository) or is_of_repository(
        f"{repository}:latest", current_settings().model.repository
    )
