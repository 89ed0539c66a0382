-- A line's models that were verified and above the floors when they were last decided on, the newest data first. Of one
-- digest the first that was made: it is the same model under another date's name.
SELECT model, digest, dataset_id, made_until, counts_from
FROM (
    SELECT DISTINCT ON (m.digest) m.model, m.digest, m.dataset_id, m.created_at,
           greatest(made.label_end, made.last_as_of) AS made_until,
           greatest(
               coalesce((SELECT min(s.session) FROM ljwx.sessions s WHERE s.session > made.label_end), '9999-12-31'),
               coalesce((SELECT s.session FROM ljwx.sessions s WHERE s.session > made.last_as_of ORDER BY s.session
                         OFFSET made.purge LIMIT 1), '9999-12-31')) AS counts_from
    FROM ljwx.models m
    JOIN ljwx.datasets d USING (dataset_id)
    CROSS JOIN LATERAL (
        SELECT (d.proof -> 'max_label_end' ->> 'train')::date AS label_end,
               (d.proof -> 'last_as_of' ->> 'train')::date AS last_as_of, (d.proof ->> 'purge')::integer AS purge
    ) AS made
    LEFT JOIN LATERAL (
        SELECT p.verdict FROM ljwx.promotions p
        WHERE p.challenger = m.model AND p.verdict <> 'rolled_back' ORDER BY p.promotion_id DESC LIMIT 1
    ) AS last ON true
    WHERE m.line_id = %(line_id)s AND m.verified IS NOT NULL
      AND CASE WHEN m.model = %(model)s THEN %(holds)s ELSE last.verdict NOT IN ('rejected', 'refused') END
    ORDER BY m.digest, counts_from
) AS own
ORDER BY counts_from DESC, created_at DESC
