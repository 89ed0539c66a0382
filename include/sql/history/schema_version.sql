SELECT version_num FROM ljwx.schema_version
