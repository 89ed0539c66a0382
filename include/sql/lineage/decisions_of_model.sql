SELECT promotion_id, challenger, champion, verdict, decided_at,
       CASE WHEN verdict = 'refused' THEN reasons #>> '{-1,text}' END AS refused_for
FROM ljwx.promotions
WHERE challenger = %(name)s OR champion = %(name)s
ORDER BY promotion_id
