-- A list comes as a whole: who is not in it any more was no member on its day. Lists of other days stay.
UPDATE ljwx.index_members SET superseded_at = now()
WHERE index_code = %(index_code)s AND session = ANY (%(sessions)s::date[]) AND superseded_at IS NULL
  AND (session, ts_code) NOT IN (SELECT * FROM unnest(%(sessions)s::date[], %(ts_codes)s::text[]))
