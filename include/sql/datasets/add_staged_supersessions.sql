INSERT INTO ljwx.sample_supersessions (dataset_id, old_sample_id, new_sample_id, cause, bar_session, bar_revision)
SELECT %(dataset_id)s, pair.old_sample_id, pair.new_sample_id,
       CASE WHEN bar.session IS NOT NULL THEN 'bar'
            WHEN pair.facts THEN 'facts'
            WHEN pair.outcome AND pair.task <> ALL (%(fitted_tasks)s) THEN 'outcome'
            ELSE 'fit' END,
       bar.session, bar.revision
FROM (
    SELECT s.old_sample_id, s.new_sample_id, new.session, new.task, new.bars_from,
           greatest(old.label_end, new.label_end) AS label_end,
           ARRAY(
               SELECT new.ts_code UNION ALL SELECT o.code FROM ljwx.codes_of_stock o WHERE o.ts_code = new.ts_code
           ) AS codes,
           old.snapshot_sha256 <> new.snapshot_sha256 AS facts,
           (old.label, old.label_end) <> (new.label, new.label_end) AS outcome
    FROM staged_sample_supersessions s
    JOIN ljwx.samples old ON old.sample_id = s.old_sample_id
    JOIN ljwx.samples new ON new.sample_id = s.new_sample_id
) AS pair
LEFT JOIN LATERAL (
    SELECT b.session, b.revision
    FROM ljwx.bars b
    WHERE b.ts_code = ANY (pair.codes)
      AND (b.first_seen > %(parent_known_at)s AND b.first_seen <= %(known_at)s
           OR b.superseded_at > %(parent_known_at)s AND b.superseded_at <= %(known_at)s)
      AND (pair.facts AND b.session BETWEEN pair.bars_from AND pair.session
           OR pair.outcome AND b.session > pair.session AND b.session <= pair.label_end)
      AND b.session BETWEEN pair.bars_from AND pair.label_end
    ORDER BY b.session DESC, b.revision DESC
    LIMIT 1
) AS bar ON true
