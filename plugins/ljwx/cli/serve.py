"""`ljwx serve` and `ljwx token`: analyses for programs and chat clients, and who may ask for them."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from ljwx.cli.console import AsJson, failures_shown, say, table

token = typer.Typer(help="Who may ask `ljwx serve`. 接口令牌。", no_args_is_help=True, rich_markup_mode=None)
HEADS = ("name", "per_minute", "created_at", "revoked_at")


def serve(
    host: Annotated[str | None, typer.Option(help="Address; serve.host by default. 监听地址。")] = None,
    port: Annotated[int | None, typer.Option(help="Port; serve.port by default. 端口。")] = None,
    operator: Annotated[str | None, typer.Option(help="Who answers for what is served. 运营者。")] = None,
    chat_without_token: Annotated[
        bool | None,
        typer.Option("--chat-without-token", help="Let Ollama clients of this machine in. 本机聊天免令牌。"),
    ] = None,
) -> None:
    """Serve analyses over HTTP: an API, and chat as OpenAI and Ollama clients speak it. 提供接口与聊天服务。"""
    with failures_shown():
        from ljwx.api.app import serve as serve_app
        from ljwx.services.config import serve_settings

        settings = serve_settings(host=host, port=port, operator=operator, chat_without_token=chat_without_token)
        typer.echo(f"ljwx serves on http://{settings.host}:{settings.port} (Ctrl-C ends it)", err=True)
        serve_app(settings)


def mcp() -> None:
    """Answer an agent over MCP on stdin and stdout; `ljwx serve` has the same at /mcp. 通过 MCP 供智能体调用。"""
    with failures_shown():
        from ljwx.api.app import serve_mcp
        from ljwx.services.config import serve_settings

        serve_mcp(serve_settings())


@token.command("add")
def add(
    name: Annotated[str, typer.Argument(help="Whose it is. 名称。", show_default=False)],
    per_minute: Annotated[int, typer.Option(help="Requests a minute. 每分钟请求数。")] = 60,
    as_json: AsJson = False,
) -> None:
    """Make a token, and print it: it is shown this once. 新建令牌(只显示一次)。"""
    from ljwx.services.tokens import add_token

    with failures_shown():
        made = add_token(name, per_minute)
    say(made, lambda console: console.print(made.token, markup=False), as_json)


@token.command("list")
def list_tokens(as_json: AsJson = False) -> None:
    """List the tokens by name. 列出令牌。"""
    from ljwx.services.tokens import tokens

    with failures_shown():
        found = tokens()

    def picture(console: Console) -> None:
        console.print(table(HEADS, [[getattr(each, head) for head in HEADS] for each in found]))

    say(found, picture, as_json)


@token.command("revoke")
def revoke(
    name: Annotated[str, typer.Argument(help="Whose it was. 名称。", show_default=False)], as_json: AsJson = False
) -> None:
    """Let a token be valid no longer. 吊销令牌。"""
    from ljwx.services.tokens import revoke_token

    with failures_shown():
        revoke_token(name)
    say({"revoked": name}, lambda console: console.print(f"{name} is valid no longer", markup=False), as_json)
