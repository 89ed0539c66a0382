"""TuShare Pro: bars and everything beside them, as far as the token's tier reaches. See README.md."""
