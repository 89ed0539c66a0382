"""What a clause of Chinese prose claims of a snapshot, word by word, and what in it is no claim that can be checked.

Pure: never imports airflow, an HTTP client or a database driver. A clause has one subject at a time: the thing named
last. Numbers, directions and signal words are claims about it. Another day, another company or index, a forecast or a
denial hold for what follows them in the clause.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Final

from ljwx.core.claims.claim import Claim
from ljwx.core.claims.names import DRAWDOWN, THIS_DAY, Subject
from ljwx.core.claims.numbers import Op, Statement, judge
from ljwx.core.claims.numerals import Number
from ljwx.core.claims.signs import Facts, exists, is_above, moved, says, value_of
from ljwx.core.claims.tokens import Token
from ljwx.core.claims.vocabulary import Kind

_SILENT: Final = "the snapshot does not say so"
OPS: Final[dict[Kind, Op]] = {
    Kind.ABOVE: "gt", Kind.AT_LEAST: "ge", Kind.BELOW: "lt", Kind.AT_MOST: "le",
    Kind.BREAK_UP: "gt", Kind.BREAK_DOWN: "lt",
}  # fmt: skip
BREAKS: Final = {Kind.BREAK_UP: 1, Kind.BREAK_DOWN: -1}
_CROSSED: Final = {frozenset(("DIF", "DEA")): ("macd", "DIF"), frozenset(("K", "D")): ("kdj", "K")}
"""Lines whose crossing has a word: their signal, and the line that rises at a golden cross."""
_RECORDS: Final = ("新高", "新高点", "新低")
"""A high that is set, not only spoken of."""
AFTER: Final[dict[Kind, Op]] = {Kind.OR_MORE: "ge", Kind.OR_LESS: "le"}
UP: Final = ("gt", "ge")


@dataclass
class Context:
    """What holds for the rest of a clause, and is carried into the next where a clause claims nothing.

    :param past: what the clause before spoke of: a word that stands alone is about it.
    :param other: why what follows is not of this stock and session.
    """

    group: list[Subject] = field(default_factory=list)
    past: list[Subject] = field(default_factory=list)
    other: str = ""
    talk: bool = False


@dataclass
class Reader:
    """Reads one clause. ``claims`` and ``unchecked`` are what it found."""

    facts: Facts
    clause: Sequence[Token]
    context: Context
    claims: list[Claim] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)
    at: int = 0
    denied: bool = False
    op: Op | None = None
    breaks: int = 0
    direction: int = 0
    noun: bool = False
    word: str = ""
    sign: int = 1
    side: int = 0
    close: bool = False
    compared: bool = False
    future: bool = False
    conditional: bool = False
    doubt: bool = False
    in_a_row: bool = False
    each: list[Subject] | None = None
    high: str = ""
    bare: bool = False
    near: bool = False
    apart: bool = False
    tail: bool = False
    ended: bool = False
    chain: tuple[Subject | None, Op] | None = None
    from_close: bool = False
    ranked: bool = False
    only_ranks: bool = False
    each_has_its_own: bool = False
    hedged: bool = False
    previous: Subject | None = None
    orphans: list[tuple[str, Statement]] = field(default_factory=list)

    # What stands around a token.

    def next(self, skip: int = 0) -> Token | None:
        """The token that follows, or one after it."""
        return self.clause[self.at + skip] if self.at + skip < len(self.clause) else None

    def before(self, back: int = 2) -> Kind | None:
        """The kind of the token before the one being read."""
        return self.clause[self.at - back].kind if self.at >= back else None

    def is_joined(self) -> bool:
        """Whether 和, 、 … stand before the token being read, fillers aside."""
        for token in reversed(self.clause[: self.at - 1]):
            if token.kind is not Kind.FILLER:
                return token.kind is Kind.AND
        return False

    def token_before(self, token: Token) -> Token | None:
        """The token before one that is of this clause."""
        at = next(at for at, each in enumerate(self.clause) if each is token)
        return self.clause[at - 1] if at else None

    def follows_after(self, token: Token, *kinds: Kind) -> bool:
        """Whether a token is followed directly by one of these kinds."""
        at = next(at for at, each in enumerate(self.clause) if each is token) + 1
        return at < len(self.clause) and self.clause[at].kind in kinds

    def unknown_before(self) -> bool:
        """Whether an unknown word stands before the token being read, fillers aside: it may be whose fact this is."""
        for token in reversed(self.clause[: self.at - 1]):
            if token.kind is not Kind.FILLER:
                return token.kind is Kind.UNKNOWN and len(token.text) > 1
        return False

    def names_its_period(self, token: Token) -> bool:
        """Whether a period in brackets is the one that the name before has already: RSI14(14日)."""
        in_brackets = self.at > 1 and self.clause[self.at - 2].text == "("
        if not in_brackets or not self.bare or self.subject is None:
            return False
        n = token.text[:-1]
        return n in self.subject.name or any(n in place.path[-1].split("_") for place in self.subject.places)

    def follows(self, *kinds: Kind) -> bool:
        """Whether the next token, fillers aside, is of one of these kinds."""
        for token in self.clause[self.at :]:
            if token.kind is not Kind.FILLER:
                return token.kind in kinds
        return False

    @property
    def subject(self) -> Subject | None:
        """What was named last."""
        return self.context.group[-1] if self.context.group else None

    # Claims.

    def add(self, text: str, holds: bool | None, has: str, *, empty: bool = False, number: bool = False) -> None:
        """Add a claim with the verdict that its surroundings leave it."""
        self.bare = False
        if self.hedged or self.conditional:
            verdict, has = "unchecked", "a question or a condition"
        elif self.context.other:
            verdict, has = "unsupported", self.context.other
        elif self.future:
            verdict, has = ("unsupported", "a forecast") if number else ("unchecked", "a forecast")
        elif holds is None:
            verdict = "unsupported"
        elif not holds:
            verdict = "wrong"
        else:
            verdict = "unchecked" if empty or self.doubt else "right"
            has = "says nothing" if empty else has
        self.claims.append(Claim(verdict, text if verdict == "right" else f"{text}: {has}"))  # type: ignore[arg-type]

    def turned(self, text: str, holds: bool | None, has: str = _SILENT) -> None:
        """Add a claim in words, or its opposite where it is denied."""
        if self.in_a_row:
            holds = None
        denied = self.denied is not self.tail
        if denied and holds is not None:
            holds = not holds
        self.add(f"not {text}" if denied else text, holds, has)
        self.denied = False

    def statement(self, number: Number, op: Op) -> Statement:
        """What a number says with the words that stood before it."""
        return Statement(
            number, op, None, self.direction, self.noun, self.side, self.denied is not self.tail, self.near, self.apart
        )

    def forget(self) -> None:
        """A number was said: what stood before it is used up."""
        self.denied, self.op, self.breaks, self.sign, self.side = False, None, 0, 1, 0
        self.word, self.high, self.bare = "", "", False
        if not self.each:  # else the direction is also of the numbers that come: 分别下跌1%和2%
            self.direction, self.noun = 0, False
        self.near = self.apart = False

    def settle(self) -> None:
        """End what was begun: a direction without a number, a broken line, a level that is only said to be there."""
        if self.direction and not self.noun and self.word:
            self.say_direction()
        elif self.op and self.breaks and self.subject is not None and self.subject.is_level and not self.compared:
            self.say_above(None, self.subject, self.op)
        elif self.high and (self.ended or self.high.endswith(_RECORDS)):
            held = self.subject is not None and self.subject.held
            value = value_of(self.facts, DRAWDOWN.places[0]) if held and DRAWDOWN.places else None
            self.turned(self.high, None if value is None else value == 0)
        elif self.ended and self.bare and self.subject is not None:
            self.say_exists(self.subject)
        self.direction, self.noun, self.word, self.sign, self.side = 0, False, "", 1, 0
        self.op, self.breaks, self.compared, self.high = None, 0, False, ""

    def say_direction(self) -> None:
        """A rise or fall without a number."""
        subject = self.subject
        if self.close and (subject is None or not subject.moves):
            subject = THIS_DAY
        name = subject.name if subject else "当日"
        if (self.context.talk and not (subject and subject.held)) or self.before_was_unknown():
            self.unchecked.append(self.word)
            return
        text, self_word = f"{name} {self.word}", self.word
        self.word = ""
        self.turned(text, moved(self.facts, subject, self_word, self.direction))

    def before_was_unknown(self) -> bool:
        """Whether an unknown word stands where the subject of a direction would."""
        return self.subject is None and not self.close and bool(self.unchecked) and not self.claims

    def say_above(self, left: Subject | None, right: Subject | None, op: Op) -> None:
        """One line above or below another."""
        names = [line.name if line else "收盘价" for line in (left, right)]
        above = is_above(self.facts, left, right)
        level = right if left is None else None
        if self.breaks and level is not None and level.places and level.places[0].path[0] == "levels":
            side = "resistance" if self.breaks > 0 else "support"
            above = above if level.places[0].path[1] == side else None
        holds = above if above is None or op in UP else not above
        self.turned(f"{names[0]} {'above' if op in UP else 'below'} {names[1]}", holds)
        self.compared, self.chain = True, (left, op)

    def say_crossed(self, other: Subject) -> None:
        """One line that crossed another: only of MACD and KDJ does a snapshot know it."""
        line, up = self.subject, self.breaks > 0
        names = (line.name if line else "", other.name)
        signal, first = _CROSSED.get(frozenset(name[:3].rstrip("值线") for name in names), ("", ""))
        word = "金叉" if up == names[0].startswith(first) else "死叉"
        self.turned(f"{names[0]} crosses {names[1]}", says(self.facts, signal, word) if signal else None)
        self.op, self.breaks, self.compared, self.bare = None, 0, True, False

    def say_exists(self, level: Subject) -> None:
        """That there is a support or resistance, or none."""
        there = exists(self.facts, level)
        if there is not None and (self.denied or self.tail or Kind.THERE_IS in {token.kind for token in self.clause}):
            self.turned(level.name, there)

    def bind_orphans(self) -> None:
        """Give a number that stood before any name to the one name that came after it."""
        for text, statement in self.orphans:
            subject = self.subject
            if subject is not None and len(self.orphans) == 1 and not self.claims:
                self.say_number(subject, text, statement)
            else:
                self.add(text, None, "no fact is named for it", number=True)
        self.orphans = []

    def say_number(self, subject: Subject, text: str, statement: Statement) -> None:
        """A number of something."""
        of_ranks = self.ranked and (bool(subject.ranks) or self.only_ranks)
        places = subject.ranks if of_ranks else subject.places
        values = [value_of(self.facts, place) for place in places]
        found = [judge(place, value, statement) for place, value in zip(places, values, strict=True)]
        known = [each for each in found if each.holds is not None]
        best = next((each for each in known if each.holds), known[0] if known else None)
        if best is None or self.in_a_row:
            why = "no fact is named for it" if not subject.held else f"the snapshot has {values[0] if values else None}"
            self.add(f"{subject.name} {text}", None, why, number=True)
            return
        said = f"{subject.name} {'not ' if statement.denied else ''}{text}"
        with self.levels_are_known(places[0].path[0] == "levels"):
            self.add(said, best.holds, f"the snapshot has {values[0]}", empty=best.empty, number=True)

    @contextmanager
    def levels_are_known(self, known: bool = True) -> Iterator[None]:
        """Levels and the expected range are of this session, also where a clause goes on to what may come."""
        kept = self.future, self.conditional
        if known:
            self.future = self.conditional = False
        yield
        self.future, self.conditional = kept


def turned_round(claim: Claim) -> Claim:
    """A claim of which the clause says that it is not true."""
    verdicts = {"right": "wrong", "wrong": "unchecked"}
    return replace(claim, verdict=verdicts.get(claim.verdict, claim.verdict))  # type: ignore[arg-type]
