-- A line is a spec without what was taken from the dataset; of the examples only where they are from makes no other model.
WITH judged AS (
    SELECT m.spec - 'examples' AS spec, m.spec - '{messages,examples,gguf_sha256}'::text[] AS line
    FROM ljwx.promotions p
    JOIN ljwx.models m ON m.model = p.challenger
    WHERE p.verdict NOT IN ('rolled_back', 'refused')
)
SELECT count(j.line) FILTER (WHERE j.line = new.spec - '{messages,examples,gguf_sha256}'::text[]) AS of_line,
       count(j.line) FILTER (WHERE j.spec = new.spec - 'examples') AS of_model,
       count(DISTINCT j.line) FILTER (WHERE j.line <> new.spec - '{messages,examples,gguf_sha256}'::text[]) AS other_lines
FROM ljwx.models new
LEFT JOIN judged j ON true
WHERE new.model = %(model)s
GROUP BY new.spec
