INSERT INTO ljwx.aliases (alias, model, digest, promotion_id)
VALUES ('champion', %(model)s, %(digest)s, %(promotion_id)s)
ON CONFLICT (alias) DO UPDATE SET
    model = excluded.model, digest = excluded.digest, promotion_id = excluded.promotion_id, updated_at = now()
