SELECT DISTINCT spec_sha256 FROM ljwx.models
