"""The words by which a message says what it asks, and those that name no stock.

Pure: never imports airflow, an HTTP client or a database driver.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

ASKED: Final[Mapping[str, re.Pattern[str]]] = MappingProxyType(
    {
        "investment_advice": re.compile(
            r"投资价值|投资建议|建议|值得|值不值|买|卖|持有|加仓|减仓|清仓|入手|上车|抄底|割肉|"
            r"\b(?:buy|sell|hold|invest\w*|worth\w*|advice|recommend\w*)\b"
        ),
        "risk_assessment": re.compile(r"风险|波动|回撤|安全|\b(?:risk\w*|volatil\w*|drawdown|safe)\b"),
        "price_direction": re.compile(
            r"涨|跌|走势|走向|方向|行情|\b(?:rise|rising|fall|falling|go\s+up|go\s+down|up|down|direction|trend|outlook|"
            r"forecast|predict\w*)\b"
        ),
        "technical_analysis": re.compile(
            r"技术|支撑|压力|阻力|指标|均线|布林|金叉|死叉|超买|超卖|"
            r"\b(?:technical\w*|support|resistance|indicators?|rsi|macd|kdj|boll\w*|ma)\b|rsi|macd|kdj"
        ),
    }
)
"""Task → what asks it."""
WHOLE: Final = "investment_advice"
"""Who asks for it wants to know everything."""
MARKET: Final = re.compile(
    r"大盘|沪指|深成指|创业板指|沪深300|中证|上证指数|板块|行业|概念股|\b(?:index|sector|market)\b"
)
"""What is no single stock."""
MARKET_DAY: Final = re.compile(
    r"大盘|两市|(?:a股|股市|市场)\s*(?:整体|总体|全天|收盘|行情|概况|情况|表现|怎么样|如何|涨跌)|(?:a股|股市)\s*$|"
    r"\b(?:how\s+(?:is|was|did|does)\s+the\s+(?:stock\s+|a-share\s+)?market|market\s+(?:overview|breadth|summary|day)|"
    r"the\s+market\s*(?:today|yesterday)?\s*[?.!]*\s*$)"
)
"""What asks about all stocks together."""
MARKET_WORDS: Final = re.compile(
    r"(?:大盘|沪深|两市|a股|股?市场|股市|整个|全|整体|总体|全天|收盘|概况|overview|breadth|summary|[^\w])*"
)
"""What may be left of such a question, beside the words of any."""

GENERAL: Final = re.compile(
    r"分析|怎么样|如何|怎样|咋样|看法|评价|评估|点评|诊断|诊股|看看|说说|讲讲|聊聊|股|市值|"
    r"\b(?:analy[sz]e|analysis|stocks?|shares?|ticker|look\s+at|think\s+of|tell\s+me\s+about|opinion|a-shares?)\b"
)
"""What asks everything, or shows that a stock is meant."""

_FILLING: Final = """
请问 请 帮我 帮忙 麻烦 能不能 可不可以 可以 能否 是否 给我 给 我想 我要 想 知道 了解 问一下 问
一下 一个 个 关于 对于 这只 那只 这支 那支 只 支 股票 个股 股价 股份 的 了 吗 呢 吧 啊 呀
么 和 与 跟 及 以及 还有 或 或者 比较 对比 相比 哪个 哪只 更 最近 近期 现在 目前 当前 今后
未来 下周 下个月 本周 这周 明天 后天 短期 中期 长期 短线 中线 长线 投资价值 投资建议 投资 价值
建议 值得 值不值得 不值 值 买入 卖出 买 卖 持有 加仓 减仓 清仓 入手 上车 抄底 割肉 风险 波动
回撤 安全 上涨 下跌 涨跌 涨 跌 走势 走向 方向 行情 技术分析 技术面 技术 支撑位 支撑 压力位 压力
阻力位 阻力 指标 均线 布林带 布林 金叉 死叉 超买 超卖 分析 怎么样 怎么看 怎么 如何 怎样 咋样
看法 评价 评估 点评 诊断 诊股 看看 看一看 看 说说 讲讲 聊聊 做 会 要 该 应该 还 多少 多大
大不大 高不高 在哪里 在哪 哪里 什么 为什么 是 有没有 有 没有 不 到 截至 截止 为止 收盘 当时
那天 当天 我 你 它 他们 包括 写 报告 研报 全面 详细 简单 综合 情况 表现 后市 前景 机会 空间
适合 合适 时候 呗 咋 仔细 快速 一份 谢谢 您好 你好 您 告诉 认为 觉得 从 角度 方面 就 再 也
把 让 能买 能卖 能涨 能跌
"""
FILLING_WORDS: Final = frozenset(_FILLING.split())
FILLING: Final = re.compile("|".join(sorted(FILLING_WORDS, key=len, reverse=True)))
"""Chinese that stands around a stock's name and is no part of it."""

_ENGLISH: Final = """
a about above according advice after again ago all also an analyse analyses analysis analyst analyze and answer
any api april are as ask assessment at august bank be bearish because been before best better between boll
bollinger bullish but buy by call can chart china chinese close code come company compare comparison consider
could current daily data date day days december detailed did direction do does doing down drawdown each english
evaluate expect fall falling february find for forecast friday from full future gain give go going good group
growth had has have he hello help her here hi high his hold holding how i if ignore in indicator indicators
instruction instructions into invest investing investment is it its january july june just kdj know last latest
level levels like limited long look looking lot low ltd ma macd make march market may me mean medium mine moment
monday money month more most moving much my near need neutral new next no not november now october of off on one
opinion or other our out outlook over overbought oversold percent please position predict prediction previous
price prompt question quick recommend recommendation report resistance right rise rising risk risks risky role
rsi safe same saturday say see sell selling september share shares short should show since so some soon stock
stocks strong sunday support system tell term than thank thanks that the their them then there these they thing
think this those thoughts thursday ticker time to today tomorrow trade trading trend tuesday two under up us
user value versus volatile volatility vs want was way we weak wednesday week well were what when where whether
which while who why will with would worth write year yesterday you your
"""
ENGLISH_WORDS: Final = frozenset(_ENGLISH.split())
"""English that is never taken for the first letters of a name."""
