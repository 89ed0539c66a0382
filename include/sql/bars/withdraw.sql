-- The source has the whole session, and these bars no more. Their revisions stay; none is current. Counting first spares
-- the comparison of all codes on the day on which nothing is withdrawn.
UPDATE ljwx.bars SET superseded_at = now()
WHERE session = %(session)s AND superseded_at IS NULL
  AND (SELECT count(*) FROM ljwx.bars WHERE session = %(session)s AND superseded_at IS NULL)
      > cardinality(%(present)s::text[])
  AND NOT ts_code = ANY (%(present)s)
  AND (%(asked)s::text[] IS NULL OR ts_code = ANY (%(asked)s::text[]))
