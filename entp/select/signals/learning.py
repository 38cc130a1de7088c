"""How early in a training a sample is learnt (Mekala et al. 2024, arXiv 2402.10430).

LP(1) = (ppl_0 - ppl_1) / (ppl_0 - ppl_n): of the drop of its perplexity in n epochs, the share that the first brings.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from entp.select.signals.pool import Computed, Pool
from entp.train.base import load_model, load_tokenizer
from entp.train.chat_template import marked_template
from entp.train.descent import descend
from entp.train.examples import encode
from entp.train.sft import with_adapters
from entp.train.validation import losses_of

#: n (the paper's).
EPOCHS = 3


def compute(pool: Pool) -> Computed:
    """`learning_percentage` of each sample; null where it has no answer, or none of its perplexity was lost."""
    config, seed = pool.config.train, pool.config.seed
    tokenizer = load_tokenizer(config)
    own = encode(tokenizer, marked_template(tokenizer, config.model), pool.samples, config.max_length)
    model = with_adapters(load_model(config), config, seed)
    losses = [losses_of(model, own.examples, "select: losses before")]
    optimizer = descend(model, own.examples, config, 1, seed)
    losses.append(losses_of(model, own.examples, "select: losses after one epoch"))
    descend(model, own.examples, config, EPOCHS - 1, seed + 1, optimizer)
    losses.append(losses_of(model, own.examples, "select: losses at the end"))
    shares = learning_percentage(*(np.exp(values) for values in losses))
    found = pl.DataFrame({"id": pool.samples["id"].gather(list(own.places)), "learning_percentage": shares})
    frame = pool.samples.select("id").join(found.fill_nan(None), on="id", how="left", maintain_order="left")
    return Computed(frame, own.tokens * (EPOCHS + len(losses)))


def learning_percentage(before: np.ndarray, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """LP(1) of perplexities [n] before, after the first and after the last epoch; NaN where nothing was learnt."""
    drop = before - last
    return np.asarray(np.where(drop > 0, (before - first) / np.where(drop > 0, drop, 1.0), np.nan))
