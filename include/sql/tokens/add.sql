INSERT INTO ljwx.api_tokens (name, sha256, per_minute) VALUES (%(name)s, %(sha256)s, %(per_minute)s)
ON CONFLICT (name) DO NOTHING
