"""What to do about an exception, in one line and two languages; docs/operations.md says it at length."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

ADVICE: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "ConfigurationError": (
            "更正日志所指的设置、参数或连接,然后清除该任务。",
            "Correct the setting, parameter or connection that the log names, then clear the task.",
        ),
        "TooFewSessions": (
            "交易日太少,不够划分数据集:采集更长的日期范围;设置没有错。",
            "Too few sessions for a dataset: ingest a longer range; no setting is wrong.",
        ),
        "NotFound": ("日志说明缺少什么以及现有什么。", "The log says what is missing, and what is there."),
        "BadToken": (
            "在连接 tushare_default 的密码中填入有效的 token。",
            "Put a valid token in the password of the connection tushare_default.",
        ),
        "NoPermission": (
            "TuShare 积分等级不含此接口,或使用 IP 过多:提升等级或减少 IP。",
            "The TuShare tier lacks the interface, or too many addresses use the token: raise the tier, or use fewer.",
        ),
        "BadQuery": (
            "数据源拒绝了请求本身:接口可能已变更,请附日志报告。",
            "The source rejects the request itself: an interface may have changed; report it with the log.",
        ),
        "RateLimited": (
            "额度已用完:恢复后清除任务;若重复出现,检查连接的 calls_per_minute。",
            "The limit is used up: clear the task when it is over; if it returns, check calls_per_minute.",
        ),
        "SourceUnavailable": (
            "数据源没有应答:稍后清除任务。",
            "The source gave no answer: clear the task later; if it stays, see whether its server is down.",
        ),
        "MalformedAnswer": (
            "数据源的应答不可信:稍后清除任务。",
            "The source's answer cannot be believed: clear the task later; if it stays, report it with the log.",
        ),
        "NotYetPublished": (
            "该交易日的数据尚不完整:稍后清除任务。",
            "The session's data is not complete yet: clear the task later.",
        ),
        "RecordUnfinished": (
            "模型服务器无应答,或数据库时钟被调回:请在次日 09:15(上海)之前恢复并清除 ask_session;已有的回答都已保存。",
            "Model servers are lost, or the clock went back: see to it, and clear ask_session before 09:15 Shanghai.",
        ),
        "DeadlinePassed": (
            "已过截止时间:该交易日成为记录中的空缺,不会补上。",
            "The deadline has passed: the session is a gap in the record, and is never filled in.",
        ),
        "BadData": (
            "数据与库中矛盾,未写入任何内容:保留日志并报告,不要绕过。",
            "Rows contradict what is stored; nothing was written: keep the log and report it, do not work around it.",
        ),
        "LeakDetected": (
            "数据集的防泄漏证明不成立,未写入:保留日志并报告。",
            "A proof against leaks does not hold; no dataset was written: keep the log and report it.",
        ),
        "OllamaUnreachable": (
            "启动 Ollama 服务并检查其内存,然后清除任务。",
            "Start the Ollama server, look at its memory, then clear the task.",
        ),
        "OllamaTimeout": (
            "提高连接 ollama_default 的 chat_timeout 或 build_timeout,或改用更小的基座模型。",
            "Raise chat_timeout or build_timeout of ollama_default, or take a smaller base.",
        ),
        "Busy": (
            "正在进行的分析已达上限:稍后再清除该任务,或提高 serve.asking。",
            "As many analyses are asked for as may be: clear the task a little later, or raise serve.asking.",
        ),
        "TrainingFailed": (
            "按日志所说处理,然后清除 train_model:训练从最近的检查点继续。",
            "Do what the log says, then clear train_model: it goes on from its last checkpoint.",
        ),
        "LauncherUnreachable": (
            "检查 Kubernetes 集群,然后清除任务:仍在运行的训练会被重新接上。",
            "Look at the cluster, then clear the task: a trainer that runs is found again.",
        ),
        "ModelMissing": (
            "基座:ollama pull,再从 plan_build 起清除;ljwx-stock 的模型:清除构建它的那次运行的 build_model。",
            "A base: pull it, then clear from plan_build. One we built: clear build_model of the run that made it.",
        ),
        "RefusedRequest": (
            "从 plan_build 起清除,以生成新的构建说明。",
            "Clear from plan_build: it makes a new spec.",
        ),
        "BuildFailed": (
            "阅读日志中的原因:常见为基座模型不守格式或磁盘已满;未通过验证的模型由 write_report 写出报告。",
            "Read the reason in the log; write_report has that of verify_model. Often an unfit base, or a full disk.",
        ),
        "PromptTooLong": (
            "减少 examples_per_task 或增大 num_ctx。",
            "Use fewer examples_per_task, or a larger num_ctx that the base and the memory can bear.",
        ),
    }
)

UNFORESEEN: Final = (
    "未预见的错误:查看日志;若重复出现请附日志报告。",
    "An unforeseen error: see the log; if it returns, report it with the log.",
)
ENDED: Final = (
    "任务进程被终止(内存不足、机器重启或人工):查看日志后清除任务。",
    "The task's process was ended (memory, machine, or by hand): see the log, then clear the task.",
)
LATE: Final = (
    "运行仍在继续:在 Airflow 中查看它在等待什么(任务池、额度、模型服务器)。",
    "The run goes on: see in Airflow what it waits for (a pool, a limit, the model server).",
)


def advice(error: object) -> tuple[str, str]:
    """Return what to do about an error, in Chinese and English; the nearest class of its own kind decides.

    :param error: the exception; anything else stands for a process that was ended from outside.
    """
    if not isinstance(error, BaseException):
        return ENDED
    names = (kind.__name__ for kind in type(error).__mro__)
    return next((ADVICE[name] for name in names if name in ADVICE), UNFORESEEN)
