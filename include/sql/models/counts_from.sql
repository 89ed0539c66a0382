-- The first session that lies after everything these models were made from: after the last label of their train splits,
-- with the purge between. Where the calendar ends before, or a dataset does not say what it was made of, none does.
SELECT max(greatest(
    coalesce((SELECT min(s.session) FROM ljwx.sessions s WHERE s.session > made.label_end), '9999-12-31'),
    coalesce((SELECT s.session FROM ljwx.sessions s WHERE s.session > made.last_as_of ORDER BY s.session
              OFFSET made.purge LIMIT 1), '9999-12-31'))) AS counts_from
FROM (
    SELECT (d.proof -> 'max_label_end' ->> 'train')::date AS label_end,
           (d.proof -> 'last_as_of' ->> 'train')::date AS last_as_of, (d.proof ->> 'purge')::integer AS purge
    FROM ljwx.models m
    JOIN ljwx.datasets d USING (dataset_id)
    WHERE m.model = ANY(%(models)s)
) AS made
