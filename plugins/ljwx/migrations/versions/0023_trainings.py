"""Trainings: the recipe that is trained, and the weights that came out of it."""

from __future__ import annotations

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

TRAININGS = """
CREATE TABLE ljwx.trainings (
    recipe_id      text PRIMARY KEY,
    recipe         jsonb NOT NULL,
    dataset_id     text NOT NULL REFERENCES ljwx.datasets,
    base_gguf      text NOT NULL,
    job            text NOT NULL,
    prepared_at    timestamptz NOT NULL DEFAULT now(),
    adapter_sha256 text,
    gguf_sha256    text,
    result         jsonb,
    started_at     timestamptz,
    finished_at    timestamptz,
    run_key        bigint NOT NULL REFERENCES ljwx.runs,
    CHECK ((finished_at IS NULL) = (gguf_sha256 IS NULL))
);
COMMENT ON TABLE ljwx.trainings IS 'What was to be trained, and what came of it. recipe_id is a hash of the recipe, known before the first step; the weights are an outcome, named by their digests.';
COMMENT ON COLUMN ljwx.trainings.dataset_id IS 'The dataset that it was first prepared from; another one with the same train and validation samples has the same recipe.';
COMMENT ON COLUMN ljwx.trainings.base_gguf IS 'sha256 of the file of weights that training began with, which is the one that the base is served by.';
COMMENT ON COLUMN ljwx.trainings.job IS 'Folder of the job and of its result, below the data folder.';
COMMENT ON COLUMN ljwx.trainings.gguf_sha256 IS 'sha256 of the file that is served: the base with the trained tensors.';
COMMENT ON COLUMN ljwx.trainings.result IS 'What the trainer tells: steps, samples, scores before and after, seconds, machine; and the looks at the validation split.';
ALTER TABLE ljwx.models ADD COLUMN recipe_id text REFERENCES ljwx.trainings;
COMMENT ON COLUMN ljwx.models.recipe_id IS 'The training that made its weights; null: it has those of its base.';
"""


def upgrade() -> None:
    op.execute(TRAININGS.replace(":", "\\:"))


def downgrade() -> None:
    op.execute("ALTER TABLE ljwx.models DROP COLUMN recipe_id")
    op.execute("DROP TABLE ljwx.trainings")
