INSERT INTO ljwx.aliases (alias, model, digest)
VALUES ('challenger', %(model)s, %(digest)s)
ON CONFLICT (alias) DO UPDATE SET
    model = excluded.model, digest = excluded.digest, promotion_id = NULL, updated_at = now()
WHERE (ljwx.aliases.model, ljwx.aliases.digest) <> (excluded.model, excluded.digest)
