"""Reads Chinese prose against a snapshot: its clauses in order, each word by its kind.

Pure: never imports airflow, an HTTP client or a database driver.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from ljwx.core.claims import naming, telling
from ljwx.core.claims.claim import Claim
from ljwx.core.claims.companies import other_company
from ljwx.core.claims.english import in_chinese
from ljwx.core.claims.names import THIS_DAY
from ljwx.core.claims.reader import BREAKS, OPS, Context, Reader, turned_round
from ljwx.core.claims.signs import Facts
from ljwx.core.claims.text import clauses, plain
from ljwx.core.claims.tokens import Token, tokens
from ljwx.core.claims.vocabulary import Kind

_NO_TALK: Final = frozenset(
    {
        Kind.LEAD, Kind.APART, Kind.LINE,
        Kind.FILLER, Kind.NAME, Kind.PERIOD, Kind.TODAY, Kind.NOW, Kind.SELF, Kind.AND, Kind.BUT, Kind.OTHER, Kind.DATE,
        Kind.OTHER_DAY, Kind.CLOSE, Kind.CODE, Kind.RANK, Kind.MARKET, Kind.GAIN, Kind.LOSS, Kind.CHANGE,
    }
)  # fmt: skip
"""What may stand alone in a clause and only says what the next one is about."""
_ABOUT: Final = frozenset(
    {Kind.ACTOR, Kind.FOREIGN, Kind.TALK, Kind.HIGH, Kind.HEDGE, Kind.IF, Kind.NUMBER, Kind.OTHER},
)
"""What says something also in a clause that only leads up to the next."""


@dataclass(frozen=True)
class Prose:
    """What a text claims.

    :param unchecked: words that are neither a number, a signal nor a known phrase, as they stand.
    :param characters: letters and digits of the text, and of its unchecked words.
    """

    claims: tuple[Claim, ...]
    unchecked: tuple[str, ...]
    characters: int
    unchecked_characters: int


def read(prose: str, facts: Facts) -> Prose:
    """Read a text against a parsed snapshot."""
    text = plain(_of_this_stock(prose, facts))
    claims: list[Claim] = []
    unchecked: list[str] = []
    context = Context()
    for clause in clauses(text):
        reader = Reader(facts, tokens(in_chinese(clause)), context)
        _read_clause(reader)
        talk = [clause] if _is_talk(reader) else reader.unchecked
        claims += reader.claims
        unchecked += talk
        context = Context(past=reader.context.group) if reader.claims or talk else reader.context
    of_claims = sum(_characters(claim.text.partition(":")[0]) for claim in claims if claim.verdict == "unchecked")
    return Prose(
        tuple(claims),
        tuple(unchecked),
        _characters(text),
        min(_characters(text), _characters("".join(unchecked)) + of_claims),
    )


def _characters(text: str) -> int:
    return sum(character.isalnum() for character in text)


def _of_this_stock(prose: str, facts: Facts) -> str:
    name = facts.get("name")
    return prose.replace(name, "该股") if name and not name.isascii() else prose


def _is_talk(reader: Reader) -> bool:
    """Whether a clause claims nothing, and not because it only names or leads up to what comes next."""
    if reader.claims or (_leads_up(reader) and not reader.unchecked):
        return False
    return any(token.kind not in _NO_TALK for token in reader.clause)


def _leads_up(reader: Reader) -> bool:
    """Whether a whole clause is only the way to the next one: 坦率地讲, 依我看."""
    return reader.clause[-1].kind is Kind.LEAD and not _ABOUT.intersection(token.kind for token in reader.clause)


def _read_clause(reader: Reader) -> None:
    kinds = {token.kind for token in reader.clause}
    reader.tail = _is_denied_behind(reader)
    first = reader.clause[0]
    company = other_company(reader.clause, reader.facts)
    if company:
        reader.context.other = f"it is said of others: {company}"
    if not reader.context.group and ((first.kind in OPS and first.kind not in BREAKS) or first.text in _COPULAS):
        reader.context.group, reader.bare = list(reader.context.past), bool(reader.context.past)
    reader.each_has_its_own = Kind.EACH in kinds
    reader.only_ranks = any(token.kind is Kind.RANK and token.text.endswith(_RANKS) for token in reader.clause)
    reader.ranked, reader.hedged = Kind.RANK in kinds or telling.of_stocks(reader.clause), Kind.HEDGE in kinds
    while (token := reader.next()) is not None:
        reader.at += 1
        handler = _HANDLERS.get(token.kind)
        if handler:
            handler(reader, token)
    reader.ended = True
    if reader.bare:
        reader.bind_orphans()
    reader.settle()
    reader.bind_orphans()
    if Kind.UNTRUE in kinds:
        reader.claims[:] = [turned_round(claim) for claim in reader.claims]


def _high(reader: Reader, token: Token) -> None:
    reader.unchecked.append(token.text)


def _unknown(reader: Reader, token: Token) -> None:
    if len(token.text) > 1 or not reader.claims or reader.before() is Kind.NUMBER:
        reader.unchecked.append(token.text)


def _not(reader: Reader, token: Token) -> None:  # noqa: ARG001 (a handler's signature)
    if not (reader.tail and _ends(reader.clause[reader.at :])):
        reader.denied = not reader.denied


def _is_denied_behind(reader: Reader) -> bool:
    """Whether the denial stands behind what it denies: 放量并不存在."""
    denials = [at for at, token in enumerate(reader.clause) if token.kind is Kind.NOT]
    return bool(denials) and denials[-1] > 0 and _ends(reader.clause[denials[-1] + 1 :])


def _ends(rest: Sequence[Token]) -> bool:
    return all(token.kind in (Kind.FILLER, Kind.THERE_IS) for token in rest)


def _lead(reader: Reader, token: Token) -> None:  # noqa: ARG001 (a handler's signature)
    """What leads up to a statement, such as 细心的人会发现, is none itself."""
    if not reader.claims and (reader.next() is None or not reader.context.group):
        reader.unchecked.clear()
        reader.future = False
    if reader.at > 1 and reader.clause[reader.at - 2].text == "地":  # 毫不夸张地说
        reader.denied = False


def _but(reader: Reader, token: Token) -> None:  # noqa: ARG001 (a handler's signature)
    reader.settle()
    reader.denied = reader.future = reader.conditional = False


def _today(reader: Reader, token: Token) -> None:
    if reader.context.other.startswith("another day"):
        reader.context.other = ""
    if token.kind is Kind.TODAY and not reader.bare:
        reader.settle()
        reader.context.group = [THIS_DAY]


def _elsewhere(why: str) -> Callable[[Reader, Token], None]:
    def handler(reader: Reader, token: Token) -> None:
        reader.settle()
        reader.context.other = f"{why}: {token.text}"

    return handler


def _actor(reader: Reader, token: Token) -> None:
    reader.context.other = f"it is said of others: {token.text}"
    reader.unchecked.append(token.text)


def _market(reader: Reader, token: Token) -> None:
    if not reader.ranked and not reader.follows(Kind.STOCKS) and not _is_share(reader):
        reader.context.other = f"it is said of others: {token.text}"


def _is_share(reader: Reader) -> bool:
    """Whether a share of all stocks follows: 市场前25%."""
    side, share = reader.next(), reader.next(1)
    return side is not None and share is not None and side.kind in (Kind.TOP, Kind.BOTTOM) and share.kind is Kind.NUMBER


def _self(reader: Reader, token: Token) -> None:
    if reader.context.other.startswith("it is said") and reader.before() is not Kind.OTHER:
        reader.context.other = ""
    del token


def _date(reader: Reader, token: Token) -> None:
    digits = [int(part) for part in "".join(c if c.isdigit() else " " for c in token.text).split()]
    session = [int(part) for part in str(reader.facts.get("session", "")).split("-") if part.isdigit()]
    reader.context.other = "" if session and digits == session[-len(digits) :] else f"another day: {token.text}"


def _code(reader: Reader, token: Token) -> None:
    code = str(reader.facts.get("ts_code", ""))
    reader.context.other = "" if code.startswith(token.text) else f"it is said of others: {token.text}"


def _set(**values: bool) -> Callable[[Reader, Token], None]:
    def handler(reader: Reader, token: Token) -> None:  # noqa: ARG001 (a handler's signature)
        for name, value in values.items():
            setattr(reader, name, value)

    return handler


_RANKS: Final = ("排名", "分位", "百分位", "分位数", "位次", "排位")
"""Words that speak of ranks whatever they are said of."""
_COPULAS: Final = ("为", "是", "达", "约", "约为", "高达", "仅", "仅为", "报", "录得")
"""What a clause begins with that goes on about what the one before spoke of."""
_HANDLERS: Final[dict[Kind, Callable[[Reader, Token], None]]] = {
    Kind.NAME: naming.a_name,
    Kind.PERIOD: naming.a_period,
    Kind.FOREIGN: naming.a_foreign_thing,
    Kind.NUMBER: telling.a_number,
    Kind.WORD: telling.a_signal,
    Kind.GAIN: naming.a_gain,
    Kind.LOSS: naming.a_gain,
    Kind.CHANGE: naming.a_gain,
    Kind.RISE: naming.a_direction,
    Kind.FALL: naming.a_direction,
    Kind.TO_VALUE: naming.to_a_value,
    Kind.OR_MORE: naming.above_or_below,
    Kind.OR_LESS: naming.above_or_below,
    Kind.CLOSE: naming.the_close,
    Kind.POSITIVE: telling.a_sign,
    Kind.NEGATIVE: telling.a_sign,
    Kind.LIMIT: telling.a_limit,
    Kind.HIGH: _high,
    Kind.TALK: _high,
    Kind.UNKNOWN: _unknown,
    Kind.NOT: _not,
    Kind.BUT: _but,
    Kind.TODAY: _today,
    Kind.NOW: _today,
    Kind.OTHER_DAY: _elsewhere("another day"),
    Kind.OTHER: _elsewhere("it is said of others"),
    Kind.ACTOR: _actor,
    Kind.MARKET: _market,
    Kind.COUNT: telling.a_count,
    Kind.SELF: _self,
    Kind.BETWEEN: naming.between_lines,
    Kind.DATE: _date,
    Kind.CODE: _code,
    Kind.HIGHER: naming.higher_or_lower,
    Kind.LOWER: naming.higher_or_lower,
    Kind.NEAR: _set(near=True),
    Kind.APART: _set(apart=True),
    Kind.LEAD: _lead,
    Kind.FUTURE: _set(future=True),
    Kind.IF: _set(conditional=True),
    Kind.IN_A_ROW: _set(in_a_row=True),
    **dict.fromkeys(OPS, naming.a_comparison),
}
