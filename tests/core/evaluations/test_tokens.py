"""The distribution over classes, read from the tokens of an answer; expected values by hand."""

from dataclasses import dataclass
from math import log

import pytest

from ljwx.core.evaluations import class_probabilities


@dataclass(frozen=True)
class Token:
    token: str
    logprob: float
    alternatives: tuple[tuple[str, float], ...] = ()


def token(text, share, **others):
    """A chosen token with its probability, and others by theirs; the chosen one is among the alternatives."""
    offered = {text: share} | others
    return Token(text, log(share), tuple((name, log(p)) for name, p in offered.items()))


def plain(*texts):
    return [Token(text, 0.0, ((text, 0.0),)) for text in texts]


def direction(*tokens):
    return class_probabilities("price_direction", "direction", tokens)


def test_one_token_that_is_the_class_tells_all_three():
    told = direction(*plain('{"', "direction", '":"'), token("up", 0.6, flat=0.1, down=0.3), *plain('","', "range"))
    assert told == pytest.approx({"up": 0.6, "flat": 0.1, "down": 0.3})


def test_tokens_that_open_no_class_are_left_out_and_the_rest_is_scaled():
    told = direction(*plain('{"direction":"'), token("up", 0.2, flat=0.05, down=0.25, the=0.4, buy=0.1))
    assert told == pytest.approx({"up": 0.4, "flat": 0.1, "down": 0.5})


def test_pieces_of_words_and_longer_tokens_count_for_their_class():
    told = direction(*plain('{"direction":"'), token("u", 0.3, fl=0.2, **{'down"': 0.1, "dow": 0.1, 'up","': 0.3}))
    assert told == pytest.approx({"up": 0.6, "flat": 0.2, "down": 0.2})


def test_a_token_that_begins_before_the_class_is_read_as_well():
    told = direction(*plain('{"direction":'), token('"up', 0.5, **{'"flat': 0.25, '"d': 0.25, "up": 0.2}))
    assert told == pytest.approx({"up": 0.5, "flat": 0.25, "down": 0.25})


def test_a_token_that_fits_two_classes_is_followed_to_where_they_part():
    tokens = [*plain('{"conclusion":"'), token("b", 0.8, neutral=0.2), token("ull", 0.75, ear=0.25), *plain('ish"')]
    told = class_probabilities("technical_analysis", "conclusion", tokens)
    assert told == pytest.approx({"bullish": 0.6, "neutral": 0.2, "bearish": 0.2})


def test_a_token_that_fits_two_classes_and_was_not_chosen_leaves_too_much_open():
    tokens = [*plain('{"conclusion":"'), token("neutral", 0.5, b=0.3, bullish=0.1, bearish=0.1)]
    assert class_probabilities("technical_analysis", "conclusion", tokens) is None


def test_a_little_that_cannot_be_told_is_passed_over():
    tokens = [*plain('{"conclusion":"'), token("neutral", 0.5, b=0.01, bullish=0.25, bearish=0.25)]
    told = class_probabilities("technical_analysis", "conclusion", tokens)
    assert told == pytest.approx({"bullish": 0.25, "neutral": 0.5, "bearish": 0.25})


def test_a_class_that_is_not_in_the_list_has_no_more_than_its_last_or_else_nothing_is_told():
    assert direction(*plain('{"direction":"'), token("up", 0.9, flat=0.09, x=0.001)) == pytest.approx(
        {"up": 0.9 / 0.99, "flat": 0.09 / 0.99, "down": 0.0}
    )
    assert direction(*plain('{"direction":"'), token("up", 0.5, flat=0.3, x=0.1)) is None


def test_a_chosen_token_that_is_not_among_the_likeliest_counts_too():
    forced = Token("up", log(0.02), (("flat", log(0.05)), ("down", log(0.03))))
    assert direction(*plain('{"direction":"'), forced) == pytest.approx({"up": 0.2, "flat": 0.5, "down": 0.3})


@pytest.mark.parametrize(
    "tokens",
    [
        [],
        plain("我看好"),
        plain('{"other":"', "up"),
        plain('{"direction":"'),
        [Token('{"direction":"', 0.0), Token("up", -0.1)],
        [*plain('{"direction":"'), token("sideways", 0.5, north=0.5)],
    ],
    ids=["nothing", "prose", "another field", "cut before the class", "no alternatives", "no class among them"],
)
def test_where_the_class_cannot_be_found_nothing_is_told(tokens):
    assert direction(*tokens) is None


def test_blanks_around_the_class_do_not_hide_it():
    told = direction(*plain('{ "direction" : "'), token("down", 0.5, up=0.25, flat=0.25))
    assert told["down"] == pytest.approx(0.5)
