UPDATE ljwx.trainings SET deleted_at = now() WHERE recipe_id = %(name)s
