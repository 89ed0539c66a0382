INSERT INTO ljwx.watchlists (owner_kind, owner, ts_code, place)
VALUES (%(kind)s, %(owner)s, %(ts_code)s, %(place)s)
ON CONFLICT DO NOTHING
