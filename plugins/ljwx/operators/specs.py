"""Build specs as files: what a plan has written, and a task's operator and its links read."""

from __future__ import annotations

from airflow.sdk import ObjectStoragePath
from pydantic import ValidationError

from ljwx.core.models import BuildSpec
from ljwx.exceptions import ConfigurationError


def read_spec(path: str) -> BuildSpec:
    """Read a BuildSpec from a JSON file; ConfigurationError names the file and what is wrong with it."""
    try:
        return BuildSpec.model_validate_json(ObjectStoragePath(path).read_text())
    except ValidationError as error:
        raise ConfigurationError(f"{path} is no build spec: {error}") from error
    except OSError as error:
        raise ConfigurationError(f"cannot read the build spec at {path}: {error}") from error
