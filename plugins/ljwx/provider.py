"""What Airflow learns about this package from its entry point: the connection types `tushare`, `tencent`,
`baostock` and `ollama`."""

from __future__ import annotations

from typing import Any

from ljwx import __version__


def get_provider_info() -> dict[str, Any]:
    """Return the provider metadata, in the shape of Airflow's provider_info schema."""
    return {
        "package-name": "ljwx-stock",
        "name": "ljwx-stock",
        "description": "TuShare, Tencent and BaoStock market data, Ollama models.",
        "versions": [__version__],
        "connection-types": [
            {
                "hook-class-name": "ljwx.hooks.tushare.TushareHook",
                "connection-type": "tushare",
                "hook-name": "TuShare",
                "ui-field-behaviour": {
                    "hidden-fields": ["login", "extra"],
                    "relabeling": {"password": "Token", "schema": "Scheme (https or http)"},
                    "placeholders": {"host": "api.tushare.pro", "schema": "https"},
                },
                "conn-fields": {
                    "calls_per_minute": _number("Calls a minute", "The tier's limit per interface: 50, 200 or 500."),
                    "connect_timeout": _number("Connect time-out (s)", "Seconds to wait for a connection."),
                    "read_timeout": _number("Read time-out (s)", "Seconds to wait for an answer."),
                    **_route(),
                },
            },
            {
                "hook-class-name": "ljwx.hooks.tencent.TencentHook",
                "connection-type": "tencent",
                "hook-name": "Tencent k-lines",
                "ui-field-behaviour": {
                    "hidden-fields": ["login", "password", "extra"],
                    "relabeling": {"schema": "Scheme (https or http)"},
                    "placeholders": {"host": "web.ifzq.gtimg.cn", "schema": "https"},
                },
                "conn-fields": {
                    "stocks": {
                        "label": "Stocks",
                        "description": "The codes to fetch, such as 000001.SZ, one a line.",
                        "schema": {"type": ["array", "null"], "default": None},
                    },
                    "calls_per_minute": _number("Calls a minute", "One stock is one call; 120 by default."),
                    "connect_timeout": _number("Connect time-out (s)", "Seconds to wait for a connection."),
                    "read_timeout": _number("Read time-out (s)", "Seconds to wait for an answer."),
                    **_route(),
                },
            },
            {
                "hook-class-name": "ljwx.hooks.baostock.BaostockHook",
                "connection-type": "baostock",
                "hook-name": "BaoStock",
                "ui-field-behaviour": {
                    "hidden-fields": ["login", "schema", "extra"],
                    "relabeling": {"password": "API key (optional)"},
                    "placeholders": {"host": "public-api.baostock.com", "port": "10030"},
                },
                "conn-fields": {
                    "calls_per_minute": _number("Calls a minute", "A day of the market is one call; 120 by default."),
                    "connect_timeout": _number("Connect time-out (s)", "Seconds to wait for a connection."),
                    "read_timeout": _number("Read time-out (s)", "Seconds to wait for a whole answer."),
                },
            },
            {
                "hook-class-name": "ljwx.notifications.channels.AlertsHook",
                "connection-type": "apprise",
                "hook-name": "Alerts (apprise)",
                "ui-field-behaviour": {
                    "hidden-fields": ["host", "schema", "login", "port", "extra"],
                    "relabeling": {"password": "Addresses, one a line (dingtalk://, feishu://, mailtos://, …)"},
                },
                "conn-fields": {"verify": _route()["verify"]},
            },
            {
                "hook-class-name": "ljwx.hooks.ollama.OllamaHook",
                "connection-type": "ollama",
                "hook-name": "Ollama",
                "ui-field-behaviour": {
                    "hidden-fields": ["extra"],
                    "relabeling": {
                        "login": "User (optional)",
                        "password": "Password of the user, or a bearer token",
                        "schema": "Scheme (http or https)",
                    },
                    "placeholders": {"host": "127.0.0.1", "port": "11434", "schema": "http"},
                },
                "conn-fields": {
                    "connect_timeout": _number("Connect time-out (s)", "Seconds to wait for a connection."),
                    "read_timeout": _number("Read time-out (s)", "Seconds to wait for a short answer."),
                    "chat_timeout": _number("Chat time-out (s)", "Seconds to wait for a model's answer."),
                    "build_timeout": _number("Build time-out (s)", "Seconds to wait for a create or pull to go on."),
                    "parallel": _number("Answers at a time", "The server's OLLAMA_NUM_PARALLEL; 1 if left out."),
                    **_route(),
                },
            },
        ],
    }


def _number(label: str, description: str) -> dict[str, Any]:
    return {"label": label, "description": description, "schema": {"type": ["number", "null"], "default": None}}


def _route() -> dict[str, Any]:
    """Return the fields that say by which way a server is reached."""
    return {
        "verify": _text("Certificate", "true, false, or a file of CAs; empty: as the environment says."),
        "proxy": _text("Proxy", "none, env, or a URL; empty is env: HTTPS_PROXY, but not for local addresses."),
    }


def _text(label: str, description: str) -> dict[str, Any]:
    return {"label": label, "description": description, "schema": {"type": ["string", "null"], "default": None}}
