SELECT d.spec FROM ljwx.models m JOIN ljwx.datasets d USING (dataset_id) WHERE m.model = %(name)s
