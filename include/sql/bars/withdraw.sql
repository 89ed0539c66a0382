-- The source has the whole session, and these bars no more: they are refused now, or their stocks were to have none. One
-- that is merely missing may be late, whichever of its stock's codes it is under. Their revisions stay; none is current.
-- Counting first spares the comparison of all codes on the day on which no bar is gone.
UPDATE ljwx.bars SET superseded_at = now()
WHERE session = %(session)s AND superseded_at IS NULL
  AND (SELECT count(*) FROM ljwx.bars WHERE session = %(session)s AND superseded_at IS NULL)
      > cardinality(string_to_array(%(present)s, ','))
  AND NOT ts_code = ANY (string_to_array(%(present)s, ','))
  AND NOT ts_code = ANY (%(missing)s::text[])
  AND NOT EXISTS (
      SELECT FROM ljwx.current_instruments i WHERE i.ts_code = bars.ts_code AND i.renamed_to = ANY (%(missing)s::text[]))
