"""How a model was asked, what a decision rests on, and which sessions a look at a sealed window has seen.

Answers that were asked otherwise (a larger num_predict, say) are no evidence against one another, and another policy
makes another decision. Test windows of datasets made day after day have nearly all their sessions in common.
"""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

ASKED = """
ALTER TABLE ljwx.evaluations
    ADD COLUMN asked_with jsonb NOT NULL DEFAULT '{}',
    DROP CONSTRAINT evaluations_model_digest_question_set_id_key,
    ADD UNIQUE (model, digest, question_set_id, asked_with);
COMMENT ON COLUMN ljwx.evaluations.asked_with IS 'What was sent with every question beside the question itself. Answers that were asked otherwise are not compared. {}: asked before this was kept.';
"""

DECIDED = """
ALTER TABLE ljwx.promotions ADD COLUMN evaluation_id bigint REFERENCES ljwx.evaluations;
UPDATE ljwx.promotions p SET evaluation_id = (
    SELECT max(e.evaluation_id) FROM ljwx.evaluations e
    WHERE e.model = p.challenger AND e.question_set_id = p.question_set_id
) WHERE verdict <> 'rolled_back';
DROP INDEX ljwx.promotions_once;
CREATE UNIQUE INDEX promotions_once
    ON ljwx.promotions (challenger, question_set_id, coalesce(champion, ''), coalesce(evaluation_id, 0), policy)
    WHERE verdict <> 'rolled_back';
COMMENT ON COLUMN ljwx.promotions.evaluation_id IS 'The challenger''s answers that were judged; null for a rollback.';
"""

LOOKED = """
ALTER TABLE ljwx.test_looks ADD COLUMN first_session date, ADD COLUMN last_session date;
UPDATE ljwx.test_looks look SET (first_session, last_session) = (
    SELECT min(s.session), max(s.session) FROM ljwx.questions q JOIN ljwx.samples s USING (sample_id)
    WHERE q.question_set_id = look.question_set_id
);
ALTER TABLE ljwx.test_looks ALTER COLUMN first_session SET NOT NULL, ALTER COLUMN last_session SET NOT NULL;
COMMENT ON COLUMN ljwx.test_looks.first_session IS 'With last_session, the window of the test split: looks at windows that share sessions are counted together.';
"""


def upgrade() -> None:
    for statement in (ASKED, DECIDED, LOOKED):
        op.execute(statement.replace(":", "\\:"))


def downgrade() -> None:
    raise NotImplementedError("0010 cannot be undone: 0009 has no place for a model that was asked in two ways")
