"""Rollbacks more than once, answers of the untuned base, masked and sealed question sets, and looks at the test split.

A champion can be put back more than once: the rule of one decision per pair is for the gate's decisions only.
"""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ONCE = """
DROP INDEX ljwx.promotions_once;
CREATE UNIQUE INDEX promotions_once ON ljwx.promotions (challenger, question_set_id, coalesce(champion, ''))
    WHERE verdict <> 'rolled_back';
COMMENT ON COLUMN ljwx.promotions.verdict IS 'What the gate said; rolled_back: a person put the previous champion (challenger) back in the place of champion.';
"""

KINDS = """
ALTER TABLE ljwx.question_sets
    ADD COLUMN kind text NOT NULL DEFAULT 'validation' CHECK (kind IN ('validation', 'masked', 'test')),
    ADD COLUMN part_of text REFERENCES ljwx.question_sets,
    ADD CHECK ((kind = 'masked') = (part_of IS NOT NULL));
COMMENT ON COLUMN ljwx.question_sets.kind IS 'validation: the gate decides on it. masked: questions of part_of, asked without name, code and date. test: of the sealed test split, opened only after a pass.';
"""

BASES = """
ALTER TABLE ljwx.evaluations
    DROP CONSTRAINT evaluations_model_fkey,
    ADD COLUMN is_base boolean NOT NULL DEFAULT false,
    ADD COLUMN built text GENERATED ALWAYS AS (CASE WHEN is_base THEN NULL ELSE model END) STORED
        CONSTRAINT evaluations_model_fkey REFERENCES ljwx.models;
COMMENT ON COLUMN ljwx.evaluations.is_base IS 'The untuned base was asked: model is then a tag of the server and no row of ljwx.models. Otherwise built is the model.';
"""

ANSWERS = """
ALTER TABLE ljwx.answers
    ADD COLUMN probabilities_from text CHECK (probabilities_from IN ('tokens', 'answer')),
    ADD COLUMN claims jsonb,
    ADD COLUMN server_s double precision;
COMMENT ON COLUMN ljwx.answers.probabilities_from IS 'tokens: from the log-probabilities of the token that decides on the class. answer: as the model wrote them.';
COMMENT ON COLUMN ljwx.answers.claims IS 'Numbers and readings of a valid answer: how many are right, wrong and unsupported by its snapshot.';
COMMENT ON COLUMN ljwx.answers.server_s IS 'Seconds the model server itself counted for the answer.';
"""

LOOKS = """
CREATE TABLE ljwx.test_looks (
    look_id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dataset_id      text NOT NULL REFERENCES ljwx.datasets,
    model           text NOT NULL REFERENCES ljwx.models,
    question_set_id text NOT NULL REFERENCES ljwx.question_sets,
    looked_at       timestamptz NOT NULL DEFAULT now(),
    run_key         bigint NOT NULL REFERENCES ljwx.runs,
    UNIQUE (dataset_id, model)
);
COMMENT ON TABLE ljwx.test_looks IS 'Every opening of a sealed test split, written before its first question is asked. A model opens it once.';
"""


def upgrade() -> None:
    for statement in (ONCE, KINDS, BASES, ANSWERS, LOOKS):
        op.execute(statement.replace(":", "\\:"))


def downgrade() -> None:
    op.execute("DROP TABLE ljwx.test_looks")
    op.execute("ALTER TABLE ljwx.answers DROP COLUMN probabilities_from, DROP COLUMN claims, DROP COLUMN server_s")
    op.execute(
        "DELETE FROM ljwx.answers WHERE evaluation_id IN (SELECT evaluation_id FROM ljwx.evaluations WHERE is_base)"
    )
    op.execute("DELETE FROM ljwx.evaluations WHERE is_base")
    op.execute("ALTER TABLE ljwx.evaluations DROP COLUMN built, DROP COLUMN is_base")
    op.execute(
        "ALTER TABLE ljwx.evaluations ADD CONSTRAINT evaluations_model_fkey FOREIGN KEY (model) REFERENCES ljwx.models"
    )
    op.execute("ALTER TABLE ljwx.question_sets DROP COLUMN part_of, DROP COLUMN kind")
    op.execute("DROP INDEX ljwx.promotions_once")
    op.execute(
        "CREATE UNIQUE INDEX promotions_once ON ljwx.promotions (challenger, question_set_id, coalesce(champion, ''))"
    )
