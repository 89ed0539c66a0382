"""What any model has to beat: the rule on the averages, and a regression, held against scikit-learn's own scores."""

from datetime import date

import numpy as np
import pytest

from ljwx.core.evaluations import Question, answer_all, logistic, moving_averages, numbers, unknown

CLASSES = {
    "investment_advice": ("buy", "hold", "sell"),
    "risk_assessment": ("low", "medium", "high"),
    "price_direction": ("up", "flat", "down"),
    "technical_analysis": ("bullish", "neutral", "bearish"),
}


def question(sample_id, task="price_direction", label=None):
    label = label or CLASSES[task][0]
    return Question(sample_id, task, "000001.SZ", date(2024, 1, 2), label, None, "", "")


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ("多头排列", ("buy", "up", "bullish")),
        ("交织", ("hold", "flat", "neutral")),
        ("空头排列", ("sell", "down", "bearish")),
    ],
)
def test_the_rule_on_the_averages_follows_their_order(order, said):
    tasks = ("investment_advice", "price_direction", "technical_analysis")
    answerer = moving_averages({task: {"ma": order, "volatility": "适中"} for task in tasks})
    assert [answer.label for answer in answer_all(answerer, [question(task, task) for task in tasks])] == list(said)


@pytest.mark.parametrize(("unrest", "said"), [("偏低", "low"), ("适中", "medium"), ("偏高", "high")])
def test_for_the_risk_it_reads_the_volatility(unrest, said):
    answerer = moving_averages({"a": {"ma": "多头排列", "volatility": unrest}})
    assert answerer(question("a", "risk_assessment")).label == said


def test_a_question_without_signals_is_an_error():
    with pytest.raises(ValueError, match="no signals of a"):
        moving_averages({})(question("a"))


def drawn(rows, seed):
    generator = np.random.default_rng(seed)
    values = generator.normal(size=(rows, 6)) * [1, 10, 100, 1, 1, 1] + [0, 5, 50, 0, 0, 0]
    score = values[:, 0] + values[:, 1] / 10 + generator.normal(size=rows)
    return values, np.digitize(score, [0, 1])


def test_the_regression_gives_the_probabilities_of_scikit_learn():
    from sklearn.linear_model import LogisticRegression  # takes seconds, which every process of a run would spend
    from sklearn.preprocessing import StandardScaler

    (train, truth), (new, _) = drawn(300, 1), drawn(20, 2)
    labels = [CLASSES["price_direction"][at] for at in truth]
    answerer = logistic(
        (("price_direction", label, tuple(row)) for label, row in zip(labels, train, strict=True)),
        {f"q{i}": tuple(row) for i, row in enumerate(new)},
    )
    scaler = StandardScaler().fit(train)
    own = LogisticRegression(max_iter=1000).fit(scaler.transform(train), labels)
    expected = own.predict_proba(scaler.transform(new))
    for at, answer in enumerate(answer_all(answerer, [question(f"q{i}") for i in range(20)])):
        assert answer.valid
        assert answer.label == own.classes_[expected[at].argmax()]
        assert [answer.probabilities[name] for name in own.classes_] == pytest.approx(list(expected[at]))


def test_each_task_has_a_regression_of_its_own_and_a_missing_class_has_probability_0():
    values, truth = drawn(60, 3)
    rows = [tuple(row) for row in values]
    train = [("price_direction", "up" if at else "down", row) for at, row in zip(truth, rows, strict=True)]
    train += [("risk_assessment", "high", row) for row in rows]
    answerer = logistic(train, {"a": rows[0]})
    risk = answerer(question("a", "risk_assessment"))
    assert (risk.label, risk.probabilities) == ("high", {"low": 0.0, "medium": 0.0, "high": 1.0})
    told = answerer(question("a"))
    assert told.probabilities["flat"] == 0.0
    assert sum(told.probabilities.values()) == pytest.approx(1.0)
    with pytest.raises(ValueError, match="technical_analysis"):
        answerer(question("a", "technical_analysis"))
    with pytest.raises(ValueError, match="nothing to answer b"):
        answerer(question("b"))


def test_the_numbers_of_a_snapshot_are_in_the_order_of_their_names():
    snapshot = {
        "bar": {"open": 2, "high": 1.5},
        "features": {"z": 4.0, "a": 3},
        "ranks": {"x": 5},
        "levels": {"s": None},
    }
    assert numbers(snapshot) == (1.5, 2.0, 3.0, 4.0, 5.0)
    assert numbers(snapshot, ["bar.open", "ranks.x"]) == (1.5, 3.0, 4.0)


def test_numbers_that_some_snapshot_lacks_are_named_once():
    whole = {"bar": {"open": 2}, "features": {"a": 3}, "ranks": {"amount": 5, "ret_5": 6}}
    lacking = {"bar": {"open": 2}, "features": {"a": None}, "ranks": {"amount": None, "ret_5": 6}}
    assert unknown([whole, lacking, lacking]) == ("features.a", "ranks.amount")
    assert unknown([whole]) == ()


def test_the_regression_says_classes_as_often_as_they_came_true_whatever_balancing_chose():
    generator = np.random.default_rng(5)
    labels = ["up", "flat", "down"] * 200
    rows = [tuple(generator.normal(size=2)) for _ in labels]
    train = [("price_direction", label, row) for label, row in zip(labels, rows, strict=True)]
    rates = {"price_direction": {"up": 0.2, "flat": 0.7, "down": 0.1}}
    asked = [question(str(at)) for at in range(len(rows))]
    given = answer_all(
        logistic(train, {each.sample_id: row for each, row in zip(asked, rows, strict=True)}, rates), asked
    )
    for name, rate in rates["price_direction"].items():
        said = [answer.probabilities[name] for answer in given if answer.probabilities]
        assert np.mean(said) == pytest.approx(rate, abs=0.005)
