-- The evaluation that the newest decision about a model rests on, where it kept the champion.
SELECT evaluation_id
FROM (
    SELECT evaluation_id, verdict FROM ljwx.promotions WHERE challenger = %(model)s ORDER BY promotion_id DESC LIMIT 1
) AS last
WHERE verdict = 'kept_champion' AND evaluation_id IS NOT NULL
