"""Which backend a configuration means. Opening one is cheap: weights load when the first request is computed."""

from __future__ import annotations

from entp.config import LLMConfig
from entp.errors import UsageError
from entp.llm.client import Backend


def open_backend(config: LLMConfig) -> Backend:
    """The backend that `llm.backend` names, not yet loaded.

    Raises UsageError for settings that contradict each other, and SetupError for a model or package that is missing.
    """
    if config.backend == "endpoint" or (config.backend == "auto" and config.endpoint is not None):
        from entp.llm.endpoint import EndpointBackend

        return EndpointBackend(config)
    if config.endpoint is not None:
        raise UsageError(
            f"llm.endpoint={config.endpoint} is set but llm.backend={config.backend}; leave one of the two out"
        )
    if config.backend == "vllm":
        from entp.llm.vllm import VllmBackend

        return VllmBackend(config)
    from entp.llm.in_process import InProcessBackend
    from entp.llm.transformers import load

    return InProcessBackend(config, load)


def close_backend(backend: Backend) -> None:
    """Unload a model that this process holds; the next stage may need the memory."""
    from entp.llm.in_process import InProcessBackend
    from entp.llm.vllm import VllmBackend

    if isinstance(backend, InProcessBackend | VllmBackend):
        backend.close()
