"""The database lists no strategies: which there are, the code decides, and a new one needs no migration."""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

STRATEGIES = """
ALTER TABLE ljwx.models DROP CONSTRAINT models_strategy_check;
COMMENT ON COLUMN ljwx.models.strategy IS 'How the model was made from its dataset: a strategy of the package.';
"""


def upgrade() -> None:
    op.execute(STRATEGIES)


def downgrade() -> None:
    raise NotImplementedError("0013 cannot be undone: 0012 has no place for models of other strategies")
