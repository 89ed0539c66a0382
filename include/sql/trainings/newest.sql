-- Trainings that are done, the newest first, with the models that have their weights.
SELECT t.recipe_id, t.dataset_id, t.started_at, t.finished_at, t.result,
       ARRAY(SELECT m.model FROM ljwx.models m WHERE m.recipe_id = t.recipe_id ORDER BY m.created_at) AS models
FROM ljwx.trainings t
WHERE t.finished_at IS NOT NULL AND t.result IS NOT NULL
ORDER BY t.finished_at DESC
LIMIT %(newest)s
