-- The source has the whole session, and these bars no more. Their revisions stay; none is current.
UPDATE ljwx.bars SET superseded_at = now()
WHERE session = %(session)s AND superseded_at IS NULL
  AND NOT ts_code = ANY (%(present)s)
  AND (%(asked)s::text[] IS NULL OR ts_code = ANY (%(asked)s::text[]))
