"""The gate: decides from floors and evidence whether a line's newest model becomes champion, and says why.

Pure: never imports airflow, an HTTP client, a database driver or a clock, so that the same evidence always gives the
same decision.
"""

from ljwx.core.promotions.decision import Decision, Verdict, floors, reported, with_reported, with_sealed_test
from ljwx.core.promotions.lines import Against, Circumstances, Fresh, decide_line, is_proven
from ljwx.core.promotions.policy import GatePolicy, LinePolicy
from ljwx.core.promotions.reasons import Reason, RolledBack
from ljwx.core.promotions.retraining import Predecessor

__all__ = [
    "Against",
    "Circumstances",
    "Decision",
    "Fresh",
    "GatePolicy",
    "LinePolicy",
    "Predecessor",
    "Reason",
    "RolledBack",
    "Verdict",
    "decide_line",
    "floors",
    "is_proven",
    "reported",
    "with_reported",
    "with_sealed_test",
]
