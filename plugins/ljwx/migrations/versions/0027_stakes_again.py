"""Error rates that a promotion used up: a pair that challenges again is given another part.

Until now a pair kept its first one for ever, and tried twice with it.
"""

from __future__ import annotations

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

STAKES = """
ALTER TABLE ljwx.line_looks DROP CONSTRAINT line_looks_challenger_rival_fkey;
ALTER TABLE ljwx.line_looks ADD CONSTRAINT line_looks_challenger_fkey FOREIGN KEY (challenger) REFERENCES ljwx.lines;
ALTER TABLE ljwx.line_stakes
    ADD COLUMN used_by bigint REFERENCES ljwx.promotions,
    DROP CONSTRAINT line_stakes_pkey,
    ADD PRIMARY KEY (challenger, rival, session);
CREATE UNIQUE INDEX line_stakes_held ON ljwx.line_stakes (challenger, rival) WHERE used_by IS NULL;
COMMENT ON TABLE ljwx.line_stakes IS 'The error rate that a line was given to challenge a rival with, from this session on; evidence of sessions before it does not count. A pair holds one at a time.';
COMMENT ON COLUMN ljwx.line_stakes.used_by IS 'The decision that promoted the line by it; null: the pair challenges with it.';
COMMENT ON TABLE ljwx.line_uses IS 'Sessions on whose outcomes a line was promoted: they never count for it again.';
"""

PROMOTED = """
UPDATE ljwx.line_stakes s SET used_by = p.promotion_id
FROM (
    SELECT evidence ->> 'line' AS line, evidence ->> 'rival' AS rival, max(promotion_id) AS promotion_id
    FROM ljwx.promotions WHERE verdict = 'promoted' GROUP BY 1, 2
) AS p
WHERE s.challenger = p.line AND s.rival = p.rival;
"""


def upgrade() -> None:
    for statement in (STAKES, PROMOTED):
        op.execute(statement.replace(":", "\\:"))


def downgrade() -> None:
    raise NotImplementedError("0027 cannot be undone: 0026 has no place for a second error rate of a pair")
