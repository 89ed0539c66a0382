from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ljwx.core.retention import (
    Citation,
    RetentionPolicy,
    StoredDataset,
    StoredModel,
    StoredTraining,
    plan,
    sweeps,
)

TODAY = date(2024, 6, 28)


def ago(days):
    return TODAY - timedelta(days=days)


def removed(result):
    return {(removal.kind, removal.name) for removal in result.removals}


NAMES = [f"ljwx-stock:{i}" for i in range(8)]
DATASETS = [f"dataset-{i}" for i in range(5)]
AGES = st.integers(-3, 12)

models = st.lists(
    st.builds(
        StoredModel,
        st.sampled_from(NAMES),
        AGES.map(ago),
        st.none() | st.sampled_from(DATASETS),
        st.booleans(),
        st.booleans(),
    ),
    unique_by=lambda model: model.name,
)
datasets = st.lists(
    st.builds(StoredDataset, st.sampled_from(DATASETS), AGES.map(ago)), unique_by=lambda dataset: dataset.name
)
aliases = st.dictionaries(st.sampled_from(["champion", "previous", "challenger"]), st.sampled_from(NAMES))
citations = st.lists(
    st.one_of(
        st.builds(Citation, st.just("model"), st.sampled_from(NAMES), st.just("promotion 1"), AGES.map(ago)),
        st.builds(Citation, st.just("dataset"), st.sampled_from(DATASETS), st.just("report 1"), AGES.map(ago)),
    ),
    max_size=5,
)
days = st.integers(0, 8)
policies = st.builds(
    RetentionPolicy,
    keep_last=st.integers(1, 4),
    keep_days=days,
    dataset_keep_last=st.integers(1, 3),
    dataset_keep_days=days,
)
states = st.tuples(models, datasets, aliases, citations, policies)


@settings(deadline=None)  # other processes share the machine
@given(states)
def test_a_model_is_removed_exactly_when_nothing_protects_it(state):
    models, _datasets, aliases, citations, policy = state
    removals = removed(plan(*state, TODAY))
    for model in models:
        younger = [m for m in models if m.created <= TODAY and (m.created, m.name) > (model.created, model.name)]
        protected = (
            model.name in aliases.values()
            or (not model.decided and (model.verified or model.created >= ago(1)))
            or model.created > TODAY
            or len(younger) < policy.keep_last
            or any(
                c.kind == "model" and c.name == model.name and (TODAY - c.on).days <= policy.keep_days
                for c in citations
            )
        )
        assert (("model", model.name) in removals) == (not protected)


@settings(deadline=None)  # other processes share the machine
@given(states)
def test_a_dataset_is_removed_exactly_when_nothing_protects_it(state):
    models, datasets, _aliases, citations, policy = state
    removals = removed(plan(*state, TODAY))
    for dataset in datasets:
        younger = [d for d in datasets if d.created <= TODAY and (d.created, d.name) > (dataset.created, dataset.name)]
        protected = (
            any(m.dataset == dataset.name and ("model", m.name) not in removals for m in models)
            or (TODAY - dataset.created).days <= policy.dataset_keep_days
            or len(younger) < policy.dataset_keep_last
            or any(
                c.kind == "dataset" and c.name == dataset.name and (TODAY - c.on).days <= policy.keep_days
                for c in citations
            )
        )
        assert (("dataset", dataset.name) in removals) == (not protected)


@settings(deadline=None)  # other processes share the machine
@given(states)
def test_each_thing_is_either_removed_or_kept_with_a_reason(state):
    result = plan(*state, TODAY)
    kept = {(item.kind, item.name) for item in result.kept}
    everything = {("model", m.name) for m in state[0]} | {("dataset", d.name) for d in state[1]}
    assert kept | removed(result) == everything
    assert not kept & removed(result)
    assert len(result.kept) + len(result.removals) == len(everything)
    assert all(item.reasons and all(item.reasons) for item in result.kept)


@settings(deadline=None)  # other processes share the machine
@given(states)
def test_after_the_plan_is_carried_out_nothing_more_is_to_be_removed(state):
    models, datasets, aliases, citations, policy = state
    first = plan(*state, TODAY)
    gone = removed(first)
    left = (
        [m for m in models if ("model", m.name) not in gone],
        [d for d in datasets if ("dataset", d.name) not in gone],
    )
    second = plan(*left, aliases, citations, policy, TODAY)
    assert second.removals == ()
    assert second.kept == first.kept


@settings(deadline=None)  # other processes share the machine
@given(states, st.randoms(use_true_random=False))
def test_the_plan_does_not_depend_on_the_order_of_rows(state, shuffler):
    models, datasets, aliases, citations, policy = state
    shuffled = [list(rows) for rows in (models, datasets, citations)]
    for rows in shuffled:
        shuffler.shuffle(rows)
    again = plan(shuffled[0], shuffled[1], dict(reversed(aliases.items())), shuffled[2], policy, TODAY)
    assert again == plan(*state, TODAY)


@settings(deadline=None)  # other processes share the machine
@given(states, st.integers(0, 3), st.integers(0, 3))
def test_a_more_generous_policy_never_removes_more(state, more_models, more_days):
    policy = state[-1]
    generous = RetentionPolicy(
        keep_last=policy.keep_last + more_models,
        keep_days=policy.keep_days + more_days,
        dataset_keep_last=policy.dataset_keep_last + more_models,
        dataset_keep_days=policy.dataset_keep_days + more_days,
    )
    assert removed(plan(*state[:-1], generous, TODAY)) <= removed(plan(*state, TODAY))


def test_a_plan_names_what_protects_each_model():
    built = [
        StoredModel("old", ago(400), "d-old", True),
        StoredModel("champion-model", ago(300), "d-champion", True),
        StoredModel("cited", ago(200), None, True),
        StoredModel("waiting", ago(150), None, False),
        StoredModel("new", ago(1), None, True),
    ]
    data = [StoredDataset("d-old", ago(401)), StoredDataset("d-champion", ago(301)), StoredDataset("d-new", ago(100))]
    result = plan(
        built,
        data,
        {"champion": "champion-model"},
        [Citation("model", "cited", "promotion 3", ago(90)), Citation("model", "old", "report 1", ago(91))],
        RetentionPolicy(keep_last=1, keep_days=90, dataset_keep_last=1, dataset_keep_days=30),
        TODAY,
    )
    assert {item.name: item.reasons for item in result.kept} == {
        "champion-model": ("alias champion",),
        "cited": ("cited by promotion 3 on 2024-03-30",),
        "new": ("one of the last 1",),
        "waiting": ("open challenger: no decision yet",),
        "d-champion": ("the model champion-model was made from it",),
        "d-new": ("one of the last 1",),
    }
    assert [(r.kind, r.name, r.reason) for r in result.removals] == [
        ("model", "old", "no alias, no decision to come, not among the last 1, not cited for 90 days"),
        (
            "dataset",
            "d-old",
            "no kept model was made from it, not among the last 1, older than 30 days, not cited for 90 days",
        ),
    ]


def test_a_dataset_whose_files_were_written_again_is_young_again_and_no_newer_than_it_was():
    data = [StoredDataset("again", ago(400), ago(30)), StoredDataset("d", ago(399)), StoredDataset("e", ago(300))]
    policy = RetentionPolicy(dataset_keep_last=1, dataset_keep_days=30)
    result = plan([], data, {}, [], policy, TODAY)
    assert {item.name: item.reasons for item in result.kept} == {
        "again": ("not older than 30 days",), "e": ("one of the last 1",),
    }  # fmt: skip
    assert removed(result) == {("dataset", "d")}


def test_the_tag_that_is_an_alias_is_kept_when_it_is_listed_as_a_model():
    listed = [StoredModel("ljwx-stock:latest", ago(500), None, True), StoredModel("new", ago(0), None, True)]
    policy = RetentionPolicy(keep_last=1, keep_days=0)
    assert plan(listed, [], {"ljwx-stock:latest": "gone"}, [], policy, TODAY).removals == ()


def test_nothing_stored_is_nothing_to_do():
    result = plan([], [], {"champion": "deleted by hand"}, [], RetentionPolicy(), TODAY)
    assert (result.removals, result.kept) == ((), ())


def test_a_model_listed_twice_is_refused():
    twice = [StoredModel("new", ago(0), None, True), StoredModel("a", ago(0), None, True)] * 2
    with pytest.raises(ValueError, match="a model is listed twice: new"):
        plan(twice, [], {}, [], RetentionPolicy(), TODAY)


@pytest.mark.parametrize("change", [{"keep_last": 0}, {"keep_days": -1}, {"keep_lst": 3}, {"dataset_keep_last": 0}])
def test_a_policy_that_means_nothing_is_refused(change):
    with pytest.raises(ValueError, match=next(iter(change))):
        RetentionPolicy(**change)


def test_sweeps_keep_as_many_days_and_years_as_the_policy_says():
    policy = RetentionPolicy(quarantine_keep_days=10, answers_keep_days=3, partition_keep_years=2)
    assert [(sweep.kind, sweep.before) for sweep in sweeps(policy, TODAY)] == [
        ("quarantine", ago(10)),
        ("answers", ago(3)),
        ("partition", date(2023, 1, 1)),
    ]
    assert {sweep.kind for sweep in sweeps(RetentionPolicy(), TODAY)} == {"quarantine", "answers"}


RECIPES = ["recipe-a", "recipe-b", "recipe-c"]
trained_models = st.lists(
    st.builds(
        StoredModel,
        st.sampled_from(NAMES),
        AGES.map(ago),
        st.none(),
        st.booleans(),
        st.booleans(),
        st.none() | st.sampled_from(RECIPES),
    ),
    unique_by=lambda model: model.name,
)
trainings = st.lists(
    st.builds(StoredTraining, st.sampled_from(RECIPES), AGES.map(ago), st.just("/data/training")),
    unique_by=lambda training: training.name,
)


@settings(deadline=None)  # other processes share the machine
@given(trained_models, aliases, trainings, st.sets(st.sampled_from(RECIPES)), st.integers(0, 8))
def test_a_training_is_removed_exactly_when_no_kept_model_rests_on_it_and_it_is_old_and_idle(
    models, aliases, trainings, running, days
):
    policy = RetentionPolicy(keep_last=1, training_keep_days=days)
    result = plan(models, [], aliases, [], policy, TODAY, trainings, running)
    kept = {model.name for model in models} - {name for kind, name in removed(result) if kind == "model"}
    for training in trainings:
        protected = (
            training.name in running
            or (TODAY - training.created).days <= days
            or any(model.recipe == training.name for model in models if model.name in kept)
        )
        assert (("training", training.name) in removed(result)) == (not protected)


def test_a_training_says_why_it_stays_and_why_it_goes():
    models = [StoredModel("ljwx-stock:1", ago(90), None, decided=True, recipe="served")]
    stored = [StoredTraining(name, ago(90), "/data") for name in ("served", "busy", "old")]
    result = plan(models, [], {"champion": "ljwx-stock:1"}, [], RetentionPolicy(), TODAY, stored, {"busy"})
    assert {kept.name: kept.reasons for kept in result.kept if kept.kind == "training"} == {
        "served": ("the model ljwx-stock:1 was made of it",),
        "busy": ("it is trained now",),
    }
    assert [(gone.name, gone.reason) for gone in result.removals] == [
        ("old", "no kept model was made of it, it is not trained now, older than 30 days")
    ]
