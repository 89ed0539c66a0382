SELECT name, per_minute, created_at, revoked_at FROM ljwx.api_tokens ORDER BY created_at, name
