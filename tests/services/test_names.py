"""Names that stand for models, wherever a model is asked for."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from ljwx.cli.app import app
from ljwx.exceptions import NotFound
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.names import find_model, known_model
from support_chain import Chain, Database
from support_tasks import TaskRunner


@pytest.fixture
def champion(chain_db: Database, chain: Chain, tasks: TaskRunner) -> str:
    """The chain's model is the champion, and the only alias."""
    chain_db.execute(
        "INSERT INTO ljwx.aliases (alias, model, digest) SELECT 'champion', model, digest FROM ljwx.models"
    )
    return chain.plan["model"]


def test_the_champion_is_found_by_its_alias_its_tag_and_its_repository(champion: str) -> None:
    for name in (champion, "champion", "ljwx-stock", "ljwx-stock:latest"):
        assert known_model(WarehouseHook(), name) == champion


def test_names_are_read_as_the_model_server_reads_them(champion: str) -> None:
    for name in (
        "ljwx-stock:Latest", "library/ljwx-stock", "LJWX-Stock", champion.upper(), f"library/{champion}",
        f"registry.ollama.ai/library/{champion}",
    ):  # fmt: skip
        assert known_model(WarehouseHook(), name) == champion


@pytest.mark.parametrize("alias", ["previous", "challenger"])
def test_an_alias_that_names_no_model_yet_says_so(champion: str, alias: str) -> None:
    for name in (alias, f"ljwx-stock:{alias}"):
        with pytest.raises(NotFound, match=f"{name} names no model yet: there is no {alias}"):
            known_model(WarehouseHook(), name)


@pytest.mark.parametrize(
    "name", ["ljwx-stock:20200101-000000000000", "other", "other:latest", "a/b:c/d", "", ":latest"]
)
def test_a_name_of_nothing_is_not_found(champion: str, name: str) -> None:
    assert find_model(WarehouseHook(), name) is None
    with pytest.raises(NotFound, match="no model is called"):
        known_model(WarehouseHook(), name)


def test_the_tags_of_the_repository_in_force_are_aliases_before_its_first_model(
    champion: str, tasks: TaskRunner
) -> None:
    tasks.variables["ljwx_training_config"] = {"model": {"repository": "renamed"}}
    assert known_model(WarehouseHook(), "renamed:latest") == champion
    assert known_model(WarehouseHook(), "ljwx-stock:latest") == champion


def test_lineage_and_compare_take_such_names(champion: str) -> None:
    tree = json.loads(CliRunner().invoke(app, ["lineage", "ljwx-stock:latest", "--json"]).stdout)
    assert (tree["kind"], tree["name"]) == ("model", champion)
    done = CliRunner().invoke(app, ["compare", "champion", "previous"])
    assert done.exit_code == 3
    assert "previous names no model yet" in done.stderr
    done = CliRunner().invoke(app, ["compare", "champion", "ljwx-stock"])
    assert f"{champion} and {champion} have no question set in common" in done.stderr
