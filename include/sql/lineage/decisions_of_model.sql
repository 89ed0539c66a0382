SELECT promotion_id, challenger, champion, question_set_id, verdict, promoted, decided_at,
       CASE WHEN verdict = 'refused' THEN reasons #>> '{-1,text}' END AS refused_for
FROM ljwx.promotions
WHERE challenger = %(subject)s OR champion = %(subject)s
ORDER BY promotion_id
