SELECT job FROM ljwx.trainings WHERE recipe_id = %(recipe_id)s
