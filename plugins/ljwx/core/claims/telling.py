"""The claims that the numbers, signal words and price limits of a clause make.

Pure: never imports airflow, an HTTP client or a database driver.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final

from ljwx.core.claims.names import OWNERS, SAME_WORD, SUBJECTS, THIS_DAY, Subject, not_held
from ljwx.core.claims.numbers import Op, Statement
from ljwx.core.claims.numerals import Number
from ljwx.core.claims.reader import AFTER, Reader
from ljwx.core.claims.signs import limit_says, range_says, says
from ljwx.core.claims.tokens import Token
from ljwx.core.claims.vocabulary import Kind

_ALONE: Final = frozenset(
    ["放量", "缩量", "平量", "多头排列", "空头排列", "交织", "上轨之上", "中轨上方", "中轨下方", "下轨之下"]
)
"""Words of one signal only, which need no name before them."""
_PLAIN: Final = frozenset(["超买", "超卖", "金叉", "死叉"])
"""Words of several signals that mean nothing else: without a name, one of the signals must have it."""
_ORDERS: Final = {"多头": "多头排列", "空头": "空头排列"}
"""What these words mean of the averages."""
_SHORT_VERB: Final = 3
"""Characters of an unknown verb that may stand between a name and its number."""
_LARGE: Final = ("大涨", "大跌")
_MOVES: Final = {Kind.GAIN: 1, Kind.RISE: 1, Kind.LOSS: -1, Kind.FALL: -1}
_GAINS: Final = (Kind.GAIN, Kind.LOSS)
_ZERO: Final = Number(0.0, 0)


def a_sign(reader: Reader, token: Token) -> None:
    """Said to be positive or negative; before a number only its sign."""
    sign = 1 if token.kind is Kind.POSITIVE else -1
    if reader.follows(Kind.NUMBER):
        reader.sign = sign
    elif reader.subject is not None:
        zero = Statement(_ZERO, "gt" if sign > 0 else "lt", denied=reader.denied)
        reader.say_number(reader.subject, token.text, zero)
        reader.denied = False


def a_number(reader: Reader, token: Token) -> None:
    """A number: a claim about what was named last."""
    number = token.number
    if number is None or (number.in_words and len(token.text) == 1 and not _is_value(reader)):
        return
    if reader.each is None:
        _share_out(reader)
    statement, text = _statement(reader, token.text, number if reader.sign > 0 else _minus(number))
    if reader.word in _LARGE:
        reader.say_direction()
    for subject in _subjects_of_number(reader, token):
        if subject is None:
            reader.orphans.append((text, statement))
        elif subject.is_range:
            has = f"the snapshot has {reader.facts.get('range')}"
            with reader.levels_are_known():
                reader.add(f"{subject.name} {text}", range_says(reader.facts, statement), has, number=True)
        else:
            reader.say_number(subject, text, statement)
    reader.forget()


def _is_value(reader: Reader) -> bool:
    """Whether a numeral of one character stands where a value does, and is no part of a word."""
    return reader.next() is None and reader.at > 1 and reader.clause[reader.at - 2].text in ("为", "是", "=", ":")


def _minus(number: Number) -> Number:
    return replace(number, value=-number.value)


def _share_out(reader: Reader) -> None:
    """As many numbers as there are subjects: each has its own."""
    group = reader.context.group
    if len(group) == 1 and group[0].name.startswith("KDJ") and not group[0].places:
        group = [SUBJECTS[name] for name in ("K", "D", "J") if name in SUBJECTS]
    rest = [token for token in reader.clause[reader.at - 1 :] if token.kind is Kind.NUMBER]
    if len(group) > 1 and len(rest) == len(group) and reader.op is None:
        reader.each = list(group)


def _subjects_of_number(reader: Reader, token: Token) -> list[Subject | None]:
    """What a number is of: what was named last, today's move without a name, what follows in brackets; else None."""
    subject, before = reader.subject, reader.token_before(token)
    if before is not None and before.kind is Kind.UNKNOWN and subject is not None and len(before.text) > _SHORT_VERB:
        return [not_held(before.text)]
    if reader.each:
        return [reader.each.pop(0)]
    if reader.direction and (subject in (None, THIS_DAY) or (reader.close and subject and not subject.moves)):
        return [_in_brackets(reader) or THIS_DAY]
    return list(reader.context.group) or [None]


def _in_brackets(reader: Reader) -> Subject | None:
    """The period in brackets behind a number: 涨幅3.2%(近5日)."""
    opening, rest = reader.next(), reader.clause[reader.at :]
    if opening is None or opening.text != "(":
        return None
    return next((token.subject for token in rest if token.kind is Kind.PERIOD), None)


def _statement(reader: Reader, text: str, low: Number) -> tuple[Statement, str]:
    """The statement that a number makes with the words before and behind it; those behind are passed over."""
    high = _upper_end(reader)
    _move_behind(reader)
    if high is None or high.number is None:
        return _ranked(reader, reader.statement(low, _op_behind(reader) or reader.op or "eq")), text
    upper = high.number
    if high.text.startswith("-") and low.value > 0:
        upper = _minus(upper)
    if upper.unit and not low.unit:
        low = replace(low, unit=upper.unit)
    return replace(reader.statement(low, "in"), high=upper), f"{text}~{high.text}"


def _upper_end(reader: Reader) -> Token | None:
    """The second number of a range, such as 70至80, 70-80 or, before 之间, 70和80."""
    first, second = reader.next(), reader.next(1)
    if first is None:
        return None
    if first.kind is Kind.NUMBER and first.text.startswith("-") and not reader.each:
        reader.at += 1
        return first
    if second is None or second.kind is not Kind.NUMBER:
        return None
    behind = reader.next(2)
    between = behind is not None and behind.kind is Kind.BETWEEN
    if first.kind is Kind.TO or (first.kind is Kind.AND and between):
        reader.at += 2
        return second
    return None


def _move_behind(reader: Reader) -> None:
    """A rise or fall behind its number: 3.2%的跌幅."""
    skip = 1 if (ahead := reader.next()) is not None and ahead.text == "的" else 0
    ahead = reader.next(skip)
    if ahead is None or reader.direction or ahead.kind not in _MOVES or (not skip and ahead.kind not in _GAINS):
        return
    reader.direction, reader.noun = _MOVES[ahead.kind], ahead.kind in _GAINS
    reader.at += skip + 1


def _op_behind(reader: Reader) -> Op | None:
    """What 以上, 以下 … behind a number make of it."""
    ahead = reader.next()
    if ahead is not None and ahead.kind is Kind.AND_MORE:
        reader.at += 1
        return "ge"
    if ahead is None or ahead.kind not in AFTER:
        return None
    reader.at += 1
    return AFTER[ahead.kind]


def _ranked(reader: Reader, statement: Statement) -> Statement:
    """A share of stocks as a rank: 前25%, 超过75%的股票."""
    before = reader.before()
    if before in (Kind.TOP, Kind.BOTTOM) and statement.number.unit == "percent":
        reader.ranked = True
        top = before is Kind.TOP
        share = statement.number.value
        return replace(
            statement, op="ge" if top else "le", number=replace(statement.number, value=100 - share if top else share)
        )
    if statement.number.unit == "percent" and of_stocks(reader.clause[reader.at - 1 :]):
        return replace(statement, op="ge" if statement.op == "gt" else "eq", direction=0)
    return statement


def of_stocks(clause: Sequence[Token]) -> bool:
    """Whether a percent is one of all stocks: 75%的股票."""
    words = [token for token in clause if token.text != "的"]
    return any(
        a.number is not None and a.number.unit == "percent" and b.kind in (Kind.STOCKS, Kind.SELF)
        for a, b in pairwise(words)
    )


def a_signal(reader: Reader, token: Token) -> None:
    """A word of a signal."""
    word = SAME_WORD.get(token.text, token.text)
    if reader.before() is Kind.BELOW or reader.apart:  # 不到超买, 离超买还有距离
        reader.denied = not reader.denied
    reader.settle()
    _find_owner(reader, word)
    spoken = [subject for subject in reader.context.group if not subject.moves or word not in (*_ALONE, *_PLAIN)]
    if any("ma" in subject.signals for subject in spoken):
        word = _ORDERS.get(word, word)
    owned = [(s, name) for s in spoken for name in s.signals if name in OWNERS[word]]
    if not owned and word in _ALONE:
        owned = [(SUBJECTS.get("成交", THIS_DAY), name) for name in OWNERS[word]]
    if owned and reader.near:
        reader.unchecked.append(word)
        reader.near = False
    elif owned:
        for _, name in owned:
            _say_word(reader, f"{name} {word}", [name], word, last=name == owned[-1][1])
    elif not spoken and word in _PLAIN:
        _say_word(reader, f"no signal {word}", OWNERS[word], word, last=True)
    elif word in _PLAIN or (spoken and spoken[-1].held and word in _ORDERS):
        reader.turned(f"{spoken[-1].name if spoken else 'no signal'} {word}", None)
    elif word != "明显":
        reader.unchecked.append(word)
        reader.denied = False


def _find_owner(reader: Reader, word: str) -> None:
    """What a word is of that no name stands before: the name behind it, or what the clause before spoke of."""
    behind = reader.next()
    ahead = reader.next(1) if behind is not None and behind.text == "的" else behind
    if reader.context.group:
        return
    if ahead is not None and ahead.subject is not None and ahead.text != "区间":
        reader.context.group = [ahead.subject]
    elif word not in _ALONE:
        reader.context.group = list(reader.context.past)


def _say_word(reader: Reader, text: str, signals: tuple[str, ...] | list[str], word: str, *, last: bool) -> None:
    held = [says(reader.facts, name, word) for name in signals]
    known = [each for each in held if each is not None]
    denied = reader.denied
    holds = any(known) if known else None
    if len(signals) > 1 and not holds and denied is reader.tail:
        holds = None
    reader.turned(text, holds)
    reader.denied = denied and not last


def a_limit(reader: Reader, token: Token) -> None:
    """A price limit that was reached or touched."""
    subject = reader.subject or THIS_DAY
    of_days = reader.bare and subject is not THIS_DAY and (subject.moves or not subject.held)
    reader.settle()
    holds = None if of_days else limit_says(reader.facts, token.text)
    reader.turned(token.text, holds, f"the snapshot has {reader.facts.get('limit')}")


def a_count(reader: Reader, token: Token) -> None:
    """A count of days or of money, which no snapshot holds."""
    reader.settle()
    reader.add(token.text, None, "no fact is named for it", number=True)
