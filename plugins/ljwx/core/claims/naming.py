"""What the names, directions and comparisons of a clause make it speak of.

Pure: never imports airflow, an HTTP client or a database driver.
"""

from __future__ import annotations

from typing import Final

from ljwx.core.claims.names import DRAWDOWN, SUBJECTS, THIS_DAY, Subject, not_held
from ljwx.core.claims.reader import AFTER, BREAKS, OPS, UP, Reader
from ljwx.core.claims.signs import is_above
from ljwx.core.claims.tokens import Token
from ljwx.core.claims.vocabulary import Kind

_OPENS: Final = ("高开", "低开")


def a_name(reader: Reader, token: Token) -> None:
    """A fact or signal: a new subject, or the other side of a comparison."""
    subject = token.subject
    if subject is None or (reader.before() is Kind.WORD and token.text == "区间"):
        return
    if reader.breaks and reader.bare and not reader.close and not _is_band(reader.subject, subject):
        reader.say_crossed(subject)
        return
    if reader.op and not reader.compared and (subject.is_level or reader.bare or reader.close):
        left = None if reader.close or reader.breaks or not reader.bare else reader.subject
        reader.say_above(left, subject, reader.op)
        reader.side = -1 if reader.op in UP else 1
        reader.op = None
        reader.context.group = [subject]
        reader.bare = False
        return
    if reader.chain and reader.before() is Kind.AND and not reader.bare:
        reader.say_above(reader.chain[0], subject, reader.chain[1])
        return
    _speak_of(reader, subject)


def _is_line(subject: Subject) -> bool:
    """Whether it is a level, or all averages together."""
    return subject.is_level or ("ma" in subject.signals and not subject.places)


def _is_band(line: Subject | None, other: Subject) -> bool:
    """Whether what is broken is a band of the subject itself: 布林突破上轨."""
    return line is not None and not line.is_level and line.signals == ("boll",) and other.is_level


def _speak_of(reader: Reader, subject: Subject) -> None:
    """A new subject; the second of two that are joined is spoken of together with the first."""
    if reader.unknown_before():
        reader.doubt = True
    side = reader.side if reader.before() in AFTER else 0
    noun = reader.direction if reader.noun and subject.moves else 0
    joined = reader.bare and (reader.is_joined() or (reader.before() is Kind.NAME and reader.each_has_its_own))
    reader.previous = reader.subject if reader.bare else None
    if not joined:
        reader.bare = reader.bare and not reader.previous
        reader.settle()
    reader.context.group = [*reader.context.group, subject] if joined else [subject]
    if noun:
        reader.direction, reader.noun = noun, True
    reader.from_close = reader.close
    reader.bare, reader.close, reader.side = True, False, side
    reader.context.talk = False
    if reader.orphans and reader.at > 1 and reader.clause[reader.at - 2].text == "的":
        reader.bind_orphans()


def a_period(reader: Reader, token: Token) -> None:
    """A number of sessions: of what follows it, or of the move over them."""
    subject = token.subject or not_held(token.text)
    if reader.names_its_period(token):
        return
    skipped = 0
    while (ahead := reader.next(skipped)) is not None and ahead.kind in (Kind.FILLER, Kind.CLOSE, Kind.SELF):
        skipped += 1
    if ahead is not None and ahead.kind is Kind.NAME and ahead.subject is not None:
        subject = _of_period(reader, token, ahead)
        reader.at += skipped + 1
    elif ahead is not None and ahead.kind is Kind.HIGH:
        subject = DRAWDOWN if token.text == "60日" and "低" not in ahead.text else not_held(f"{token.text}{ahead.text}")
        reader.at += skipped + 1
        _speak_of(reader, subject)
        reader.high = f"{token.text}{ahead.text}"
        return
    before = reader.subject
    if reader.op and not reader.compared and not reader.breaks and reader.bare and before and before.moves:
        reader.say_above(before, subject, reader.op)
        reader.op = None
    _speak_of(reader, subject)


def _of_period(reader: Reader, token: Token, ahead: Token) -> Subject:
    """What a name means after a number of sessions: 20日 … 波动."""
    named = ahead.subject
    if named is not None and named.is_range and reader.follows_after(ahead, Kind.GAIN, Kind.LOSS, Kind.CHANGE):
        return token.subject or named
    if named is not None and named.is_range:
        return named if token.text == f"{reader.facts.get('horizon')}日" else not_held(f"{token.text}{ahead.text}")
    return SUBJECTS.get(f"{token.text}{ahead.text}", not_held(f"{token.text}{ahead.text}"))


def a_foreign_thing(reader: Reader, token: Token) -> None:
    """Something that no snapshot holds."""
    reader.settle()
    reader.context.group = [not_held(token.text)]
    reader.context.talk, reader.bare = True, False
    reader.unchecked.append(token.text)


def a_gain(reader: Reader, token: Token) -> None:
    """A rise or fall as a thing, such as 跌幅."""
    subject = reader.subject
    if subject is None or reader.close:
        reader.context.group = [THIS_DAY]
    elif subject.held and not subject.moves:
        reader.context.group = [not_held(f"{subject.name}{token.text}")]
    if token.kind is not Kind.CHANGE:
        reader.direction, reader.noun, reader.word = (1 if token.kind is Kind.GAIN else -1), True, ""


def a_direction(reader: Reader, token: Token) -> None:
    """A rise or fall as a verb; what it is of shows itself with the next number, or at the end."""
    if reader.word and not reader.noun:
        reader.settle()
    if token.text in _OPENS:
        reader.context.group = [SUBJECTS["开盘"]]
    if reader.before() is Kind.WORD:
        reader.context.group = [THIS_DAY]
    reader.direction, reader.noun, reader.word = (1 if token.kind is Kind.RISE else -1), False, token.text


def to_a_value(reader: Reader, token: Token) -> None:  # noqa: ARG001 (a handler's signature)
    """A verb such as 升至: the number behind it is a value, no change."""
    reader.direction, reader.noun, reader.word = 0, False, ""


def a_comparison(reader: Reader, token: Token) -> None:
    """Above or below what follows."""
    if reader.op and reader.breaks:
        reader.settle()
    reader.op, reader.breaks, reader.compared = OPS[token.kind], BREAKS.get(token.kind, 0), False


def above_or_below(reader: Reader, token: Token) -> None:
    """Above or below, behind a line or before one."""
    op, subject, beside = AFTER[token.kind], reader.subject, reader.before()
    if subject is not None and not subject.held and not reader.context.talk and not reader.follows(Kind.NUMBER):
        reader.turned(f"{subject.name} {token.text}", None)
        return
    if subject is not None and beside is Kind.NAME and reader.previous is not None and not reader.close:
        reader.say_above(reader.previous, subject, op)
        return
    if subject is None or not (subject.is_level or (_is_line(subject) and _is_beside(reader, token))):
        reader.side = 1 if op in UP else -1
        return
    if beside is Kind.CLOSE:
        for each in reader.context.group:
            reader.say_above(each, None, op)
        reader.side = 1 if op in UP else -1
    elif beside is Kind.NAME:
        reader.say_above(None, subject, op)
        reader.side = -1 if op in UP else 1
    elif reader.follows(Kind.NUMBER):
        reader.side = 1 if op in UP else -1
    else:
        reader.say_above(subject, None, op)


def _is_beside(reader: Reader, token: Token) -> bool:
    """Whether 上方 … stands right behind a name or the close, as in 在收盘价上方."""
    before = reader.token_before(token)
    return before is not None and (before.kind in (Kind.NAME, Kind.CLOSE) or before.text == "在收盘价")


def between_lines(reader: Reader, token: Token) -> None:
    """The close between two lines that were named together: 中轨与上轨之间."""
    lines = reader.context.group
    if reader.before() is not Kind.NAME or len(lines) != 2 or not all(line.is_level for line in lines):
        return
    sides = [is_above(reader.facts, None, line) for line in lines]
    text = f"{lines[0].name}与{lines[1].name}{token.text}"
    reader.turned(text, None if None in sides else sides[0] is not sides[1])
    reader.compared = True


def higher_or_lower(reader: Reader, token: Token) -> None:
    """A line that is so much higher or lower than the close, or the close than the line."""
    subject, op = reader.subject, ("gt" if token.kind is Kind.HIGHER else "lt")
    if subject is None or not subject.is_level or not (reader.follows(Kind.NUMBER) or reader.from_close):
        return
    reader.side = 1 if op in UP else -1
    if reader.from_close:
        reader.say_above(None, subject, "gt" if op == "gt" else "lt")
        reader.side = -reader.side


def the_close(reader: Reader, token: Token) -> None:  # noqa: ARG001 (a handler's signature)
    """The close, as one side of a comparison or as what moved."""
    subject = reader.subject
    if reader.op and not reader.breaks and subject is not None and _is_line(subject) and not reader.compared:
        for each in reader.context.group:
            reader.say_above(each, None, reader.op)
        reader.side = 1 if reader.op in UP else -1
        reader.op = None
    elif not (subject is not None and _is_line(subject) and reader.follows(*AFTER)):
        reader.close = True
