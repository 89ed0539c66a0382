"""Models that fail their verification are decisions too; and the settings a decision was made under stay with it."""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

SETTINGS = """
ALTER TABLE ljwx.promotions ADD COLUMN settings jsonb;
UPDATE ljwx.promotions p SET settings = r.inputs -> 'settings' FROM ljwx.runs r WHERE r.run_key = p.run_key;
COMMENT ON COLUMN ljwx.promotions.settings IS 'The settings in force when it was decided. The run record has those of its last attempt. Null: they were not kept.';
"""

REFUSALS = """
ALTER TABLE ljwx.promotions
    ALTER COLUMN question_set_id DROP NOT NULL,
    ADD COLUMN checks jsonb,
    ADD CHECK (question_set_id IS NOT NULL OR verdict = 'refused');
CREATE UNIQUE INDEX promotions_refused_once ON ljwx.promotions (run_key, challenger) WHERE verdict = 'refused';
COMMENT ON COLUMN ljwx.promotions.verdict IS 'What the gate said; rolled_back: a person put the previous champion (challenger) back in the place of champion; refused: the model (challenger) failed its verification and was never a candidate.';
COMMENT ON COLUMN ljwx.promotions.checks IS 'Of a refusal: what its verification measured until it failed, and the answers at fault (said).';
"""


def upgrade() -> None:
    for statement in (SETTINGS, REFUSALS):
        op.execute(statement.replace(":", "\\:"))


def downgrade() -> None:
    raise NotImplementedError("0012 cannot be undone: 0011 has no place for a decision without questions")
