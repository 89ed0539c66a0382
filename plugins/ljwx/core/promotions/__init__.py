"""The gate: decides from scorecards whether a challenger becomes champion, and says why.

Pure: never imports airflow, an HTTP client, a database driver or a clock, so that the same evidence always gives the
same decision.
"""

from ljwx.core.promotions.decision import Decision, Verdict, decide, with_looks, with_sealed_test
from ljwx.core.promotions.policy import GatePolicy
from ljwx.core.promotions.reasons import Looked, Reason, RolledBack

__all__ = [
    "Decision",
    "GatePolicy",
    "Looked",
    "Reason",
    "RolledBack",
    "Verdict",
    "decide",
    "with_looks",
    "with_sealed_test",
]
