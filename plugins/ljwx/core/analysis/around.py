"""What stands around a stock's name: words of a question, or more of a name that means something else.

太平洋 is a broker, 太平洋保险 is none of its names: such a name is asked back.

Pure: never imports airflow, an HTTP client or a database driver.
"""

from __future__ import annotations

import re
from typing import Final

from ljwx.core.analysis.subjects import ENGLISH_WORDS, FILLING_WORDS

_CHINESE: Final = re.compile("[\u4e00-\u9fff]")
_MORE: Final = """
在 按 据 由 能 可 好 强 弱 太 很 非常 已 刚 又 都 才 但 而 并 被 将 来 去 以 于 对 比 这 那 该 此 其 呗 嘛 哦
哈 啥 且 若 如果 上 下 内 里 中的 今年 明年 后年 本月 本年 下半年 上半年 年内 年报 季报 半年报 中报 一季报
三季报 今后 以后 之后 未来 将来 当下 如今 到底 究竟 是否 是不是 真的 已经 刚刚 继续 马上 立即 每天 当日 尾盘
早盘 午盘 开盘 盘中 盘后 收盘价 开盘价 最高价 最低价 大涨 大跌 暴涨 暴跌 涨停 跌停 翻倍 反弹 回调 反转 震荡
突破 破位 跳水 见顶 见底 触底 探底 横盘 推荐 看好 看空 看多 看涨 看跌 被套 套牢 解套 回本 成本 亏 赚 盈利 亏损
业绩 财报 估值 市盈率 市净率 市值 股息 分红 基本面 资金面 消息面 消息 新闻 利好 利空 主力 资金 量能 成交 换手
日线 周线 月线 年线 筹码 趋势 形态 目标价 止损 止盈 仓位 满仓 空仓 轻仓 重仓 底部 顶部 高位 低位 位置 价位
价格 什么时候 何时 几时 几 数据 现价 报价 谁 两 三 四 五 以上 以下 涉及 预测 预计 预期 判断 研判 解读 解析
研究 推演 介绍 算 属于 处于 处在 位于 面临 存在 具备 具有 遇到 出现 走 跑 转强 转弱 超跌 超涨 低估 高估 便宜
贵吗 贵不贵 稳 危险 靠谱 股 诊 输出 提供 生成 整理 列出 根据 基于 结合 通过 请 求 帮 查 查询 查一下 搜 选 拿
换 听 听说 说 讲 聊 喜欢 关注 持仓 手里 手上 老 新 只 我们 咱 咱们 大家 自己 老师 公司股票 这家公司 最新 历史
过去 下 一 二
"""
_FOLLOWING: Final = re.compile("|".join(sorted({*FILLING_WORDS, *_MORE.split()}, key=len, reverse=True)))
_PRECEDING: Final = re.compile(rf"(?:{_FOLLOWING.pattern}|(?:下周|星期|礼拜|周)[一二三四五六日天])$")
_OTHERWISE: Final = re.compile(
    r"不动产|再保|支行|支付|会员|会计|会展|有色|有限|做市|"
    r"一号|二期|三期|新能源|新材料|下属|对冲|股份有限公司(?!\()|看护|好医生|"
    r"证券|保险|银行|集团|信托|控股|转债|股权投资|[bh]股"
)
"""What begins like a word of a question, and goes on with a name."""
_LATER: Final = re.compile(
    r"\s+(?:保险|再保|银行|证券|集团|人寿|财险|产险|信托|控股|基金|期货|财产)|"
    r"\s*\b(?:bank\w*|group|china|insurance|securities|holdings?|life|property|fund|trust|futures|[bh]\s?shares?|h)\b"
)
_KIND_BEFORE: Final = re.compile(r"\b(?:bank|group|china|insurance|securities|holdings?|bank\s+of)\s+$")
_WORD: Final = re.compile(r"\s+([a-z]+)")
_WORD_BEFORE: Final = re.compile(r"([a-z]+)\s+$")
LONGEST: Final = 6
"""Of the words that may stand before a name."""
COMMON: Final = 3
"""Names up to so many signs are also everyday words or parts of other names, such as 太阳能 or 机器人."""


def goes_on(text: str, end: int) -> bool:
    """Whether what follows a name makes another name of it."""
    if _OTHERWISE.match(text, end) or _LATER.match(text, end):
        return True
    return _is_chinese(text, end) and not _FOLLOWING.match(text, end)


def began_before(text: str, start: int) -> bool:
    """Whether what stands before a short name makes another name of it."""
    return _is_chinese(text, start - 1) and not _PRECEDING.search(text[max(0, start - LONGEST) : start])


def is_among_names(text: str, start: int, end: int) -> bool:
    """Whether a word in letters stands beside one that is none of a question's, or that is part of a company's name."""
    after, before = _WORD.match(text, end), _WORD_BEFORE.search(text, 0, start)
    odd = [word[1] for word in (after, before) if word and len(word[1]) > 1 and word[1] not in ENGLISH_WORDS]
    return bool(odd) or goes_on(text, end) or _KIND_BEFORE.search(text, 0, start) is not None


def run_around(text: str, start: int, end: int) -> tuple[int, int]:
    """Where the Chinese that a name stands in begins and ends, up to the words of a question around it."""
    while _is_chinese(text, start - 1) and not _PRECEDING.search(text[max(0, start - LONGEST) : start]):
        start -= 1
    while _is_chinese(text, end) and (_OTHERWISE.match(text, end) or not _FOLLOWING.match(text, end)):
        found = _OTHERWISE.match(text, end)
        end = found.end() if found else end + 1
    later = _LATER.match(text, end)
    return start, later.end() if later else end


def _is_chinese(text: str, at: int) -> bool:
    return 0 <= at < len(text) and _CHINESE.match(text[at]) is not None
