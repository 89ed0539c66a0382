INSERT INTO ljwx.aliases (alias, model, digest, promotion_id)
SELECT 'previous', model, digest, promotion_id FROM ljwx.aliases WHERE alias = 'champion' AND model <> %(model)s
ON CONFLICT (alias) DO UPDATE SET
    model = excluded.model, digest = excluded.digest, promotion_id = excluded.promotion_id, updated_at = now()
