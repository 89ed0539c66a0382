"""Bring models onto an Ollama server: pull a base, create from a build spec and prove that it is what the spec says."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from ljwx import exceptions
from ljwx.core.models import BuildSpec, draft_tag
from ljwx.core.ollama import ModelDescription, keeps_weights, progress_texts
from ljwx.core.training.result import MERGED
from ljwx.exceptions import BuildFailed, ConfigurationError, ModelMissing, OllamaError, RefusedRequest
from ljwx.operators.links import BaseModelLink, ReportLink
from ljwx.operators.specs import read_spec
from ljwx.resources import OLLAMA_CONN_ID
from ljwx.triggers.ollama import OllamaTrigger

if TYPE_CHECKING:
    from airflow.sdk import Context

    from ljwx.hooks.ollama import OllamaHook


class OllamaOperator(BaseOperator):
    """Create `model` as the spec at `spec_path` says; a model that is there and reads back equal is not built twice.

    The spec is read from a file because few-shot examples make it too large for an XCom. Returns
    ``{"model": name, "digest": 64 hex digits, "built": bool}``. Raises RefusedRequest when the base is another one than
    the spec was made for, BuildFailed when the server reports an error or made something else than was asked.

    The model is built under another tag, and gets its own by a copy once it reads back as it should: what stood there
    before stays until then, and a build that fails leaves nothing.

    :param spec_path: JSON of a BuildSpec, on any storage Airflow reaches (templated).
    :param model: name with tag (templated).
    :param gguf_path: file of the weights, for a spec that brings its own (templated).
    :param trained: what TrainOperator returned, of a spec whose weights are trained: `job` and `gguf_sha256`; such a
        model gets the licence of its base (templated).
    :param ollama_conn_id: the server (templated).
    :param deferrable: follow the build in the triggerer instead of keeping a worker slot.
    :param report_task_id: the task of the same DAG that writes the report on the model, to be linked to.
    """

    template_fields: Sequence[str] = ("spec_path", "model", "gguf_path", "trained", "ollama_conn_id")
    operator_extra_links = (BaseModelLink(), ReportLink())

    def __init__(
        self,
        *,
        spec_path: str,
        model: str,
        gguf_path: str | None = None,
        trained: dict[str, Any] | None = None,
        ollama_conn_id: str = OLLAMA_CONN_ID,
        deferrable: bool = False,
        report_task_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.report_task_id = report_task_id
        self.spec_path = spec_path
        self.model = model
        self.gguf_path = gguf_path
        self.trained = trained
        self.ollama_conn_id = ollama_conn_id
        self.deferrable = deferrable

    @cached_property
    def hook(self) -> OllamaHook:
        """The hook of the connection."""
        from ljwx.hooks.ollama import OllamaHook  # requests and its friends cost each parse of a DAG file

        return OllamaHook(self.ollama_conn_id)

    def execute(self, context: Context) -> dict[str, Any]:  # noqa: ARG002 - Airflow's signature
        """Build, or recognise, the model."""
        spec = self._spec()
        self._check_sources(spec)
        digest = self._digest_if_built(spec)
        if digest is not None:
            self.log.info("%s is already built from spec %s: digest %s", self.model, spec.sha256, digest)
            return {"model": self.model, "digest": digest, "built": False}
        self.log.info("Building %s from %s, strategy %s, spec %s", self.model, spec.base, spec.strategy, spec.sha256)
        arguments = self._create_arguments(spec)
        if self.deferrable:
            self.defer(trigger=OllamaTrigger(self.ollama_conn_id, "create", arguments), method_name="finish")
        with self._draft_removed():
            for text in progress_texts(self.hook.create(**arguments)):
                self.log.info(text)
            return self._take_over(spec)

    def finish(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002 - Airflow's signature
        """Read back what the server made in the meantime, and compare it with the spec."""
        with self._draft_removed():
            raise_failure(event)
            return self._take_over(self._spec())

    def _spec(self) -> BuildSpec:
        """Return the spec, with the weights that were trained for it."""
        spec = read_spec(self.spec_path)
        trained = (self.trained or {}).get("gguf_sha256")
        return spec if spec.training is None or not trained else spec.with_weights(trained)

    @property
    def _weights_path(self) -> str | None:
        job = (self.trained or {}).get("job")
        return f"{job}/{MERGED}" if job else self.gguf_path

    @contextmanager
    def _draft_removed(self) -> Iterator[None]:
        """Remove the tag that the model is built under, whatever came of it: a failed create can leave a shell."""
        try:
            yield
        finally:
            try:
                self.hook.delete(draft_tag(self.model))
            except ModelMissing:
                pass
            except OllamaError as error:
                self.log.warning("%s could not be removed: %s", draft_tag(self.model), error)

    def _take_over(self, spec: BuildSpec) -> dict[str, Any]:
        """Give the model its tag; another build of the same model at the same time may have been faster."""
        try:
            digest = self._copied(spec, draft_tag(self.model))
        except ModelMissing as error:
            made = self._digest_if_built(spec)
            if made is None:
                raise ModelMissing(f"{self.model} was not built, although the server says so: {error}") from error
            return {"model": self.model, "digest": made, "built": False}
        self.log.info("Built %s: digest %s", self.model, digest)
        return {"model": self.model, "digest": digest, "built": True}

    def _copied(self, spec: BuildSpec, draft: str) -> str:
        """Let the model's tag name what was built, if that reads back as the spec says; return its digest."""
        found = self._differences(spec, draft)
        if spec.gguf_sha256 is None and self.hook.digest(spec.base) != spec.base_digest:
            found.append(f"{spec.base} was replaced while it was built")
        if found:
            raise BuildFailed(f"{self.model} was not built as asked, and removed: {'; '.join(found)}")
        digest = self.hook.digest(draft)
        self.hook.copy(draft, self.model)
        if self.hook.digest(self.model) != digest:
            raise BuildFailed(f"{self.model} is not what was built for it: the server did not copy {draft}")
        return digest

    def _check_sources(self, spec: BuildSpec) -> None:
        if spec.training is not None and spec.gguf_sha256 is None:
            raise ConfigurationError(f"{self.model} is made of trained weights, and none were trained: see train_model")
        if (spec.gguf_sha256 is None) != (not self._weights_path):
            raise ConfigurationError("gguf_path and the spec's gguf_sha256 belong together: give both or neither")
        if spec.gguf_sha256 is not None and spec.training is None:
            return
        digest = self.hook.digest(spec.base)
        if digest != spec.base_digest:
            raise RefusedRequest(
                f"{spec.base} is now {digest}, the spec was made for {spec.base_digest}: make a new spec"
            )

    def _digest_if_built(self, spec: BuildSpec) -> str | None:
        """Return the digest of a model that is there and reads back as the spec says; None where it is to be built.

        Where the server writes a GGUF anew, its digits do not tell which weights a model has: unless they are the
        file's own, it is built again, and comes out with the same digest from the same file.
        """
        try:
            found = self._differences(spec, self.model, weights_told=True)
        except ModelMissing:
            return None
        if found:
            self.log.info(
                "%s exists but is not what the spec says (%s): building it again", self.model, "; ".join(found)
            )
            return None
        return self.hook.digest(self.model)

    def _differences(self, spec: BuildSpec, model: str, *, weights_told: bool = False) -> list[str]:
        """Name each difference between a model on the server and its spec.

        :param weights_told: whether weights that the server does not tell are a difference too.
        """
        shown, weights = self.hook.show(model), self._weights(spec)
        found = differences(spec, shown)
        if weights is None and weights_told and shown.weights != spec.gguf_sha256:
            found.append("weights that this server does not tell")
        elif weights is not None and shown.weights != weights:
            found.append(f"weights {shown.weights or 'unknown'} instead of {weights or 'unknown'}")
        return found

    def _weights(self, spec: BuildSpec) -> str | None:
        """Return the digits that the model's weights must have; None where the server writes a GGUF anew."""
        if spec.gguf_sha256 is None:
            return self.hook.show(spec.base).weights
        return spec.gguf_sha256 if keeps_weights(self.hook.version()) else None

    def _create_arguments(self, spec: BuildSpec) -> dict[str, Any]:
        """Return the arguments of OllamaHook.create, as JSON can hold them; a file of weights is uploaded first."""
        files = self._upload(spec)
        inherited = {"license": self.hook.show(spec.base).license or None} if spec.training else {}
        return {
            "model": draft_tag(self.model), "base": None if files else spec.base, "files": files, "system": spec.system,
            "template": spec.template, "parameters": spec.parameters,
            "messages": [message.model_dump() for message in spec.messages], **inherited,
        }  # fmt: skip

    def _upload(self, spec: BuildSpec) -> dict[str, str] | None:
        location = self._weights_path
        if location is None:
            return None
        from ljwx.hooks.weights import local_copy  # as above

        with local_copy(location) as path:
            self.log.info("Uploading %s, %d bytes", location, path.stat().st_size)
            digest = self.hook.upload_blob(path, expected=spec.gguf_sha256)
        return {path.name: f"sha256:{digest}"}


class OllamaPullOperator(BaseOperator):
    """See that a model is on the server, and fetch it from its registry when it is not. Returns its digest.

    A model that is there is left as it is: to take a newer one is a decision, made with `ollama pull`.

    :param model: name, with or without tag (templated).
    :param ollama_conn_id: the server (templated).
    :param deferrable: follow the download in the triggerer instead of keeping a worker slot.
    """

    template_fields: Sequence[str] = ("model", "ollama_conn_id")

    def __init__(
        self, *, model: str, ollama_conn_id: str = OLLAMA_CONN_ID, deferrable: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.model = model
        self.ollama_conn_id = ollama_conn_id
        self.deferrable = deferrable

    @cached_property
    def hook(self) -> OllamaHook:
        """The hook of the connection."""
        from ljwx.hooks.ollama import OllamaHook

        return OllamaHook(self.ollama_conn_id)

    def execute(self, context: Context) -> str:
        """Return at once when the model is there."""
        try:
            return self.hook.digest(self.model)
        except ModelMissing:
            self.log.info("%s is not on the server: pulling it", self.model)
        if self.deferrable:
            trigger = OllamaTrigger(self.ollama_conn_id, "pull", {"model": self.model})
            self.defer(trigger=trigger, method_name="finish")
        for text in progress_texts(self.hook.pull(self.model)):
            self.log.info(text)
        return self.finish(context, {"error": None})

    def finish(self, context: Context, event: dict[str, Any]) -> str:  # noqa: ARG002 - Airflow's signature
        """Return the digest of what was pulled."""
        raise_failure(event)
        return self.hook.digest(self.model)


def raise_failure(event: Mapping[str, Any]) -> None:
    """Raise here what happened in the triggerer; nothing when all went well."""
    if event["error"]:
        raise getattr(exceptions, event["error"])(event["message"])


def differences(spec: BuildSpec, shown: ModelDescription) -> list[str]:
    """Name each difference between a model that was read back and its spec; stop words of the template are none."""
    messages = tuple((message.role, message.content) for message in spec.messages)
    found = [
        f"parameter {name} is {shown.parameters.get(name)!r} instead of {value!r}"
        for name, value in spec.parameters.items()
        if not _same(value, shown.parameters.get(name))
    ]
    if shown.system != spec.system:
        found.append("another system prompt")
    if shown.messages != messages:
        found.append(f"{len(shown.messages)} messages read back instead of, or other than, {len(messages)}")
    if spec.template is not None and shown.template != spec.template:
        found.append("another template")
    return found


def _same(wanted: Any, shown: Any) -> bool:
    if isinstance(wanted, str) and isinstance(shown, list):
        return shown == [wanted]
    if isinstance(wanted, float | int) and isinstance(shown, float | int):
        return math.isclose(wanted, shown, rel_tol=1e-6)
    return bool(wanted == shown)
