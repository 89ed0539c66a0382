SELECT name, per_minute, created_at, revoked_at FROM ljwx.api_tokens
WHERE sha256 = %(sha256)s AND revoked_at IS NULL
