DELETE FROM ljwx.answers a
USING ljwx.evaluations e, ljwx.models m
WHERE e.evaluation_id = a.evaluation_id AND m.model = e.model AND m.model = %(name)s
    AND (m.deleted_at AT TIME ZONE 'Asia/Shanghai')::date < %(before)s
