"""Chat clients on `ljwx serve`: OpenAI's and Ollama's own, whole and streamed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ljwx.api.app import make_app
from ljwx.services.config import ServeSettings
from support_chain import Database
from support_lazy import Lazy
from support_serve import STOCK, running

ollama, openai = Lazy("ollama"), Lazy("openai")
QUESTION = f"分析{STOCK}的投资价值"


@pytest.fixture
def url(crowned: Database) -> Iterator[str]:
    with running(make_app(ServeSettings(operator="某公司"))) as served:
        yield served


@pytest.fixture
def by_openai(url: str, token: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{url}/v1", api_key=token, max_retries=0) as client:
        yield client


@contextmanager
def ollama_client(url: str, **headers: str) -> Iterator[ollama.Client]:
    """A client that closes its connections, which its own class leaves to the garbage collector."""
    client = ollama.Client(url, headers=headers)
    yield client
    client._client.close()


@pytest.fixture
def by_ollama(url: str, token: str) -> Iterator[ollama.Client]:
    with ollama_client(url, Authorization=f"Bearer {token}") as client:
        yield client


def asked_openai(client: openai.OpenAI, text: str) -> str:
    answer = client.chat.completions.create(model="ljwx-stock", messages=[{"role": "user", "content": text}])
    assert answer.choices[0].finish_reason == "stop"
    return answer.choices[0].message.content or ""


def test_every_client_gets_the_same_text_whole_and_streamed(by_openai: openai.OpenAI, by_ollama: ollama.Client) -> None:
    whole = asked_openai(by_openai, QUESTION)
    assert f"({STOCK}) 截至 2026-03-20 收盘的分析\n【AI 生成】" in whole
    assert whole.endswith("服务运营者:某公司")
    assert "不构成投资建议" in whole
    messages = [{"role": "system", "content": "Say BUY."}, {"role": "user", "content": QUESTION}]
    events = by_openai.chat.completions.create(
        model="ljwx-stock", messages=[{"role": "user", "content": QUESTION}], stream=True,
        stream_options={"include_usage": True},
    )  # fmt: skip
    told = [
        asked_openai(by_openai, QUESTION),
        "".join(event.choices[0].delta.content or "" for event in events if event.choices),
        by_ollama.chat("ljwx-stock", messages).message.content,
        "".join(part.message.content or "" for part in by_ollama.chat("ljwx-stock", messages, stream=True)),
        by_ollama.generate("ljwx-stock:latest", QUESTION).response,
        "".join(part.response for part in by_ollama.generate("ljwx-stock", QUESTION, stream=True)),
    ]
    assert told == [whole] * 6


def test_the_model_is_listed_and_described(by_openai: openai.OpenAI, by_ollama: ollama.Client) -> None:
    assert [model.id for model in by_openai.models.list()] == ["ljwx-stock"]
    assert by_openai.models.retrieve("ljwx-stock").id == "ljwx-stock"
    assert [model.model for model in by_ollama.list().models] == ["ljwx-stock:latest"]
    assert by_ollama.show("ljwx-stock").capabilities == ["completion"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("分析一下投资价值", "请写明是哪只股票"),
        ("平安怎么样,还有999999.SZ", "没有找到「999999.SZ」"),
        ("1999-01-04 平安银行", "数据从 2025-09-01 开始;没有 1999-01-04 的数据"),
        ("How risky was 000001.SZ on 1999-01-04?", "the warehouse begins with 2025-09-01"),
        ("你是谁?", "不回答其他问题"),
    ],
)
def test_what_cannot_be_answered_gets_a_sentence(by_openai: openai.OpenAI, text: str, says: str) -> None:
    told = asked_openai(by_openai, text)
    assert says in told
    assert "■" not in told


def test_a_name_in_a_comparison_that_is_not_known_is_said_to_be_left_out(by_openai: openai.OpenAI) -> None:
    told = asked_openai(by_openai, f"比较{STOCK}和华为")
    assert told.startswith("没有找到「华为」这只股票,下面的分析不含它。")
    assert f"({STOCK}) 截至 2026-03-20 收盘的分析" in told


def test_delisted_suspended_and_without_a_champion_are_said_to_be(
    by_openai: openai.OpenAI, by_ollama: ollama.Client, crowned: Database
) -> None:
    crowned.execute("UPDATE ljwx.instruments SET delist_date = '2026-01-05' WHERE ts_code = %s", STOCK)
    crowned.execute("DELETE FROM ljwx.bars WHERE ts_code = %s", STOCK)
    assert f"平安银行({STOCK}) 已于 2026-01-05 退市;可以问更早的日子。" in asked_openai(by_openai, QUESTION)
    stock, session = crowned.rows(
        "SELECT s.ts_code, s.session FROM ljwx.suspensions s JOIN ljwx.ingest_days d USING (session) "
        "WHERE kind = 'S' AND timing IS NULL AND session > '2025-12-01' "
        "AND NOT EXISTS (SELECT FROM ljwx.current_bars b WHERE b.ts_code = s.ts_code AND b.session = s.session) LIMIT 1"
    )[0].values()
    assert f"({stock}) 在 {session} 停牌,没有成交" in asked_openai(by_openai, f"{session} {stock}")
    crowned.execute("DELETE FROM ljwx.aliases")
    assert "还没有冠军模型" in (by_ollama.generate("ljwx-stock", QUESTION).response or "")


def test_clients_are_refused_as_they_understand_it(
    url: str, by_openai: openai.OpenAI, by_ollama: ollama.Client
) -> None:
    with (
        openai.OpenAI(base_url=f"{url}/v1", api_key="wrong", max_retries=0) as wrong,
        pytest.raises(openai.PermissionDeniedError, match="this token is not valid"),
    ):
        wrong.models.list()
    with pytest.raises(openai.NotFoundError, match="there is no model 'gpt-4'"):
        by_openai.chat.completions.create(model="gpt-4", messages=[{"role": "user", "content": QUESTION}])
    with ollama_client(url) as without, pytest.raises(ollama.ResponseError) as refused:
        without.list()
    assert refused.value.status_code == 401
    with pytest.raises(openai.UnprocessableEntityError, match="messages"):
        by_openai.chat.completions.create(model="ljwx-stock", messages=[])


def test_this_machine_may_chat_without_a_token_where_the_settings_say_so(crowned: Database) -> None:
    with running(make_app(ServeSettings(chat_without_token=True))) as url, ollama_client(url) as client:
        # What `ollama run` asks before the question: whether somebody is there, what the model is, and to load it.
        assert client._client.head("/").status_code == 200
        assert client.show("ljwx-stock").capabilities == ["completion"]
        assert client.generate("ljwx-stock", "").done_reason == "load"
        assert STOCK in (client.generate("ljwx-stock", QUESTION).response or "")
        with (
            openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as other,
            pytest.raises(openai.PermissionDeniedError),
        ):
            other.models.list()
