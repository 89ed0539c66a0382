"""What a handler raises to answer with an error."""

from __future__ import annotations


class ApiError(Exception):
    """An answer other than success.

    :param status: HTTP status when nothing was sent yet; inside a stream only the message is sent, as an error line.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message

    @classmethod
    def missing_model(cls, name: object) -> ApiError:
        """The answer to a model that is not there."""
        return cls(404, f"model '{name}' not found")
