-- What a DAG run decided about other lines than the one that it was about.
SELECT jsonb_array_elements_text(outputs -> 'others')::bigint AS promotion_id
FROM ljwx.runs
WHERE dag_id = %(dag_id)s AND run_id = %(run_id)s AND task_id = 'decide_promotion'
