-- Tables that were changed by transactions that this one sees and an earlier look did not. A row of another server, whose
-- numbers went on from elsewhere, is in no snapshot of this one, and left out.
SELECT pg_current_snapshot()::text AS snapshot, ARRAY(
    SELECT DISTINCT c.changed FROM ljwx.changes c
    WHERE c.xid >= pg_snapshot_xmin(%(before)s::pg_snapshot)
      AND NOT pg_visible_in_snapshot(c.xid, %(before)s::pg_snapshot)
      AND pg_visible_in_snapshot(c.xid, pg_current_snapshot())) AS changed
