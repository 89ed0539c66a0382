"""Trainings whose job folder cleanup has removed."""

from __future__ import annotations

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE ljwx.trainings ADD COLUMN deleted_at timestamptz")
    op.execute(
        "COMMENT ON COLUMN ljwx.trainings.deleted_at IS 'When cleanup removed the job folder; null: it is there. Prepared "
        "again, it is made anew.'"
    )
    op.execute(
        "COMMENT ON COLUMN ljwx.trainings.prepared_at IS 'When the job folder was last prepared, whatever it held then.'"
    )


def downgrade() -> None:
    op.execute("ALTER TABLE ljwx.trainings DROP COLUMN deleted_at")
