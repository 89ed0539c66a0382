"""Ollama's API as types: what it says of models, what models answer, and what is wrong with a request. Pure."""

from ljwx.core.ollama.models import (
    InstalledModel,
    ModelDescription,
    Progress,
    RunningModel,
    keeps_weights,
    library_page,
    parse_parameters,
    progress_texts,
    read_version,
)
from ljwx.core.ollama.replies import (
    ChatReply,
    Completion,
    ReplyPiece,
    Said,
    TokenLogprob,
    parse_logprobs,
)

__all__ = [
    "ChatReply",
    "Completion",
    "InstalledModel",
    "ModelDescription",
    "Progress",
    "ReplyPiece",
    "RunningModel",
    "Said",
    "TokenLogprob",
    "keeps_weights",
    "library_page",
    "parse_logprobs",
    "parse_parameters",
    "progress_texts",
    "read_version",
]
