INSERT INTO ljwx.kept_answers (query, answer) VALUES ('part of ' || %(query)s::text, %(answer)s)
ON CONFLICT (query) DO UPDATE SET answer = excluded.answer, asked_at = excluded.asked_at
