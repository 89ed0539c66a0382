-- The newest scorecards among those of some evaluations of one question set.
SELECT scorecard FROM ljwx.evaluations
WHERE evaluation_id = ANY(%(evaluation_ids)s) AND scorecard IS NOT NULL
ORDER BY evaluation_id DESC LIMIT 1
