-- A weekday past the calendar's end was taken for a session, and has turned out to be closed. One with bars stays.
WITH closed AS (
    DELETE FROM ljwx.sessions s
    WHERE session BETWEEN %(first)s AND %(last)s AND NOT session = ANY (%(sessions)s)
      AND NOT EXISTS (SELECT FROM ljwx.bars b WHERE b.session = s.session)
    RETURNING session
)
DELETE FROM ljwx.ingest_days d
USING closed
WHERE d.session = closed.session AND NOT d.complete
