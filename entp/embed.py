"""Sentence embeddings: where a sample lies in meaning space.

The encoder is read from safetensors only, never with remote code; `embedded` and local folders need no network.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from entp.config import EmbedConfig
from entp.conversation import with_text
from entp.errors import SetupError, first_line
from entp.progress import Advance

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

EMBEDDED = "embedded"


def embed_samples(samples: pl.DataFrame, config: EmbedConfig, advance: Advance | None = None) -> np.ndarray:
    """`embed` of whole SAMPLES: prompt and response."""
    texts = with_text(samples).select(pl.concat_str("prompt", "response", separator="\n"))
    return embed(texts.to_series().to_list(), config, advance)


def embed(texts: Sequence[str], config: EmbedConfig, advance: Advance | None = None) -> np.ndarray:
    """Unit-length float32 vectors, one row per text, in the order given; `advance` hears of every finished batch.

    Batches hold texts of similar length, formed from the texts alone: equal sets of texts give equal vectors
    whatever their order. Raises SetupError when the encoder cannot be loaded, ValueError where there are no texts.
    """
    if not texts:
        raise ValueError("no texts to embed")
    encoder = load_encoder(config)
    order = sorted(range(len(texts)), key=lambda index: (len(texts[index]), texts[index]))
    rows: list[np.ndarray] = []
    for start in range(0, len(order), config.batch_size):
        batch = [texts[index] for index in order[start : start + config.batch_size]]
        rows.append(
            encoder.encode(
                batch,
                batch_size=config.batch_size,
                show_progress_bar=False,
                convert_to_numpy=True,
                normalize_embeddings=True,
            )
        )
        if advance is not None:
            advance(len(batch))
    in_order_of_length = np.concatenate(rows).astype(np.float32)
    vectors = np.empty_like(in_order_of_length)
    vectors[order] = in_order_of_length
    return vectors


def load_encoder(config: EmbedConfig) -> SentenceTransformer:
    """The encoder that `config.model` names. Raises SetupError naming the model and the remedy."""
    try:
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging as transformers_logging
    except ImportError as error:
        raise SetupError(
            f"sentence embeddings need {error.name}; install it with: pip install 'entp[train]'"
        ) from error

    location, is_local = _locate(config.model)
    bars_were_on = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()
    try:
        encoder = SentenceTransformer(
            location,
            local_files_only=is_local,
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True, "dtype": "float32"},
        )
    except Exception as error:
        # The libraries beneath raise OSError, ValueError, KeyError and HTTP errors for the same few causes.
        raise SetupError(
            f"embed.model={config.model}: the sentence encoder cannot be loaded ({first_line(error)}); "
            "give `embedded`, a local folder, or a Hugging Face sentence encoder with safetensors weights"
        ) from error
    finally:
        if bars_were_on:
            transformers_logging.enable_progress_bar()
    encoder.max_seq_length = min(encoder.max_seq_length or config.max_tokens, config.max_tokens)
    return encoder


def _locate(model: str) -> tuple[str, bool]:
    """Path or Hub id of the encoder, and whether it is on this machine."""
    if model == EMBEDDED:
        from entp.llm.embedded import embedded_sentence_encoder

        return str(embedded_sentence_encoder()), True
    folder = Path(model).expanduser()
    if folder.is_dir():
        return str(folder), True
    if folder.is_absolute() or model.startswith((".", "~")):
        raise SetupError(f"embed.model={model}: no such folder; give `embedded`, an existing folder or a Hub id")
    return model, False
