DELETE FROM ljwx.kept_answers
WHERE starts_with(query, %(beginning)s::text) OR starts_with(query, 'part of ' || %(beginning)s::text)
