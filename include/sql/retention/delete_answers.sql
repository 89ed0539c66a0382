WITH gone AS (
    SELECT e.evaluation_id
    FROM ljwx.models m
    JOIN ljwx.evaluations e USING (model)
    WHERE m.model = %(name)s AND (m.deleted_at AT TIME ZONE 'Asia/Shanghai')::date < %(before)s
), of_classes AS (
    DELETE FROM ljwx.class_answers a USING gone g WHERE a.evaluation_id = g.evaluation_id
)
DELETE FROM ljwx.answers a USING gone g WHERE a.evaluation_id = g.evaluation_id
