-- Of a model that was decided on before lines were kept, the line is its spec without what was taken from the dataset; of
-- the examples only where they are from makes no other model.
WITH known AS (
    SELECT model, line_id, spec - 'examples' AS spec, md5((spec - '{messages,examples,gguf_sha256,training}'::text[])::text) AS told
    FROM ljwx.models
), judged AS (
    SELECT m.*
    FROM ljwx.promotions p
    JOIN known m ON m.model = p.challenger
    WHERE p.verdict NOT IN ('rolled_back', 'refused')
), compared AS (
    SELECT j.spec = new.spec AS same, coalesce(j.line_id, j.told) AS line,
           CASE WHEN j.line_id IS NULL OR new.line_id IS NULL THEN j.told = new.told ELSE j.line_id = new.line_id END AS own
    FROM known new
    JOIN judged j ON true
    WHERE new.model = %(model)s
)
SELECT count(*) FILTER (WHERE own) AS of_line, count(*) FILTER (WHERE same) AS of_model,
       count(DISTINCT line) FILTER (WHERE NOT own) AS other_lines
FROM compared
