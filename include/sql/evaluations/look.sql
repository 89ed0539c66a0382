-- Looks at these sessions until then: openings of a sealed split, this one included, and decisions on questions of them.
SELECT question_set_id,
       (SELECT count(*) FROM ljwx.test_looks earlier
        WHERE earlier.look_id <= look.look_id
          AND earlier.first_session <= look.last_session AND earlier.last_session >= look.first_session)
       + (SELECT count(*) FROM ljwx.promotions p
          WHERE p.verdict NOT IN ('refused', 'rolled_back') AND p.decided_at < look.looked_at
            AND EXISTS (SELECT FROM ljwx.questions q JOIN ljwx.samples s USING (sample_id)
                        WHERE q.question_set_id = p.question_set_id
                          AND s.session BETWEEN look.first_session AND look.last_session)) AS looks
FROM ljwx.test_looks look
WHERE dataset_id = %(dataset_id)s AND model = %(model)s
