"""What of an answer is thought, and what is said."""

from __future__ import annotations

import pytest

from ljwx.core.ollama import ChatReply, Said, TokenLogprob
from ljwx.core.thinking import in_tags, split_thinking

JSON = '{"reason": "</think> is a tag"}'


@pytest.mark.parametrize(
    ("text", "thought", "said"),
    [
        ("plain", "", "plain"),
        (JSON, "", JSON),
        (f"<think>up?</think>\n\n{JSON}", "up?", JSON),
        (f"\n<think>\n\n</think>\n{JSON}", "\n\n", JSON),
        (f"up or down</think>{JSON}", "up or down", JSON),
        ("<think>up or", "up or", ""),
        ("", "", ""),
        ("a <think> in a text", "", "a <think> in a text"),
    ],
)
def test_an_answer_begins_behind_the_thought(text: str, thought: str, said: str) -> None:
    assert split_thinking(text) == (thought, said)


def test_a_thought_in_tags_is_read_back() -> None:
    assert split_thinking(in_tags("up?", JSON)) == ("up?", JSON)
    assert in_tags("", JSON) == JSON


LINE = {"model": "m", "done": True, "done_reason": "stop"}


def tokens(*texts: str) -> tuple[TokenLogprob, ...]:
    return tuple(TokenLogprob(text, -0.1) for text in texts)


UP = ('{"a":"', "up", '"}')


@pytest.mark.parametrize(
    ("said", "given"),
    [
        (Said('<think>"a":"no"?</think>\n{"a":"up"}'), ("<think>", '"a":"no"', "?", "</think>", "\n", *UP)),
        (Said('{"a":"up"}', '"a":"no"?'), ('"a":"no"', "?", *UP)),
        (Said('{"a":"up"}', '"a":"no"?'), UP),
        (Said('{"a":"up"}'), UP),
    ],
)
def test_tokens_are_those_of_what_was_said_whether_the_server_tells_the_thoughts_or_not(
    said: Said, given: tuple[str, ...]
) -> None:
    reply = ChatReply.from_line(LINE, said, tokens(*given))
    assert reply.content == '{"a":"up"}'
    assert tuple(token.token for token in reply.logprobs) == UP


def test_where_it_is_not_clear_which_tokens_were_said_there_are_none() -> None:
    broken = tokens('{"a":"', "\ufffd", "\ufffd", '"}')
    assert ChatReply.from_line(LINE, Said('{"a":"涨"}', "涨?"), broken).logprobs == ()


def test_a_reply_keeps_what_came() -> None:
    apart = ChatReply.from_line(LINE, Said("up", "why"), ())
    within = ChatReply.from_line(LINE, Said("<think>why</think>\nup"), ())
    assert (apart.thinking, apart.content, apart.raw) == ("why", "up", "<think>why</think>up")
    assert (within.thinking, within.content, within.raw) == ("why", "up", "<think>why</think>\nup")
