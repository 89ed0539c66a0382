"""Names of models, compared as an Ollama server compares them. Pure: no airflow, HTTP or SQL."""

from __future__ import annotations

_REGISTRY = "registry.ollama.ai"
_LIBRARY = "library"
_LATEST = "latest"


def short_name(model: str) -> str:
    """Return a name without what every name has that says nothing else: the public registry and its library.

    >>> short_name("registry.ollama.ai/library/Qwen2.5:7B"), short_name("hf.co/someone/some-GGUF")
    ('Qwen2.5:7B', 'hf.co/someone/some-GGUF')
    """
    *path, last = model.rpartition("://")[2].split("/")
    if len(path) > 1 and path[0].lower() == _REGISTRY:
        path = path[1:]
    if [part.lower() for part in path] == [_LIBRARY]:
        path = []
    return "/".join([*path, last])


def normalised_name(model: str) -> str:
    """Return the one spelling of a model's name: short, with its tag, in lower case. Equal ones are one model.

    >>> normalised_name("library/Qwen2.5"), normalised_name("reg:5000/Ns/base:7B")
    ('qwen2.5:latest', 'reg:5000/ns/base:7b')
    """
    short = short_name(model).lower()
    return short if ":" in short.rpartition("/")[2] else f"{short}:{_LATEST}"


def is_of_repository(model: str, repository: str) -> bool:
    """Tell whether a model is a tag of a repository, which is a name before the colon.

    >>> is_of_repository("library/LJWX-stock:latest", "ljwx-stock"), is_of_repository("ljwx-stock-2", "ljwx-stock")
    (True, False)
    """
    return normalised_name(model).rpartition(":")[0] == normalised_name(f"{repository}:{_LATEST}").rpartition(":")[0]
