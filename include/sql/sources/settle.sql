WITH parts AS (
    DELETE FROM ljwx.kept_answers WHERE starts_with(query, 'part of ' || %(beginning)s::text)
    RETURNING query, answer, asked_at
)
INSERT INTO ljwx.kept_answers (query, answer)
SELECT substr(query, length('part of ') + 1), answer FROM parts WHERE asked_at >= %(parts_since)s
ON CONFLICT (query) DO UPDATE SET answer = excluded.answer, asked_at = excluded.asked_at
