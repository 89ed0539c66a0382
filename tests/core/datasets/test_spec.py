"""Settings of a dataset are refused by field, and equal settings have equal digests."""

from __future__ import annotations

import pytest

from ljwx.core.datasets.spec import SampleSpec, load_spec
from ljwx.exceptions import ConfigurationError


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ({"horizon": 0}, "horizon"),
        ({"horizont": 5}, "horizont"),
        ({"tasks": ["price_direction", "guess"]}, "tasks.1"),
        ({"tasks": []}, "tasks"),
        ({"tasks": ["price_direction", "price_direction"]}, "tasks"),
        ({"train_share": 0.8, "validation_share": 0.3}, r"train_share \+ validation_share"),
        ({"validation_from": "2024-05-01"}, "validation_from and test_from"),
        ({"validation_from": "2024-05-01", "test_from": "2024-05-01"}, "validation_from"),
        ({"sell_excess": 0.02}, "sell_excess"),
        ({"costs": {"commission": 0.01}}, "costs.commission"),
        ({"prompt_version": "../v1"}, "prompt_version"),
        ({"class_ratio": 0.5}, "class_ratio"),
        ({"feature_version": "0"}, "feature_version"),
        ({"universe": ["000001"]}, r"universe\.0"),
        ({"universe": {"index": "CSI300"}}, r"universe\.index"),
        ({"universe": 300}, "universe"),
    ],
)
def test_wrong_setting_is_named(values: dict[str, object], names: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^sample settings: {names}.*: "):
        load_spec(values)


def test_another_feature_version_than_the_installed_one_is_refused() -> None:
    says = r"^sample settings: feature_version: only features of version 2 are computed here; leave this setting out$"
    with pytest.raises(ConfigurationError, match=says):
        load_spec({"feature_version": "0"})


def test_digest_follows_content() -> None:
    assert SampleSpec().sha256 == load_spec({}).sha256
    assert SampleSpec(seed=1).sha256 != SampleSpec().sha256
    assert SampleSpec.model_validate_json(SampleSpec(seed=3).model_dump_json()) == SampleSpec(seed=3)


@pytest.mark.parametrize("code", ["000300.SH", "399300.SZ", "930955.CSI", "H30533.CSI", "899050.BJ"])
def test_an_index_is_taken_by_its_code_at_tushare(code: str) -> None:
    spec = load_spec({"universe": {"index": code}})
    assert spec.index == code
    assert SampleSpec.model_validate_json(spec.model_dump_json()) == spec
    assert spec.sha256 != SampleSpec().sha256


def test_all_stocks_and_a_list_of_them_are_written_as_before_there_were_indexes() -> None:
    """The digest is that of the canonical JSON: another form would make another dataset of the same settings."""
    assert '"universe":null,' in SampleSpec().model_dump_json()
    assert (
        '"universe":["000001.SZ","600000.SH"],' in load_spec({"universe": ["000001.SZ", "600000.SH"]}).model_dump_json()
    )
    assert SampleSpec().index is None
    assert load_spec({"universe": ["000001.SZ"]}).index is None
