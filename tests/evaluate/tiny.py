"""A real, tiny, untrained language model: two layers over bytes, saved as a safetensors folder."""

from __future__ import annotations

from pathlib import Path

from entp import store
from entp.config import Config
from entp.stages import identity

TEMPLATE = "{% for message in messages %}<{{ message.role }}>{{ message.content }}\n{% endfor %}<assistant>"


def save_tiny_model(folder: Path, seed: int, template: str | None = None) -> Path:
    """The same seed gives the same weights."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    bytes_only = Tokenizer(
        models.BPE(vocab={mark: place for place, mark in enumerate(["<end>", *alphabet])}, merges=[])
    )
    bytes_only.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytes_only.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bytes_only, eos_token="<end>", pad_token="<end>")
    tokenizer.chat_template = template
    torch.manual_seed(seed)
    shape = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    LlamaForCausalLM(LlamaConfig(vocab_size=len(alphabet) + 1, max_position_embeddings=1024, **shape)).save_pretrained(
        folder
    )
    tokenizer.save_pretrained(folder)
    return folder


def publish_trained(output: Path, seed: int, template: str | None = None) -> Path:
    """A `train` dataset holding a tiny model, as the train stage publishes it."""
    with store.publish(output, identity("train", Config(), {})) as dataset:
        save_tiny_model(dataset.subfolder("model"), seed, template)
        dataset.summarise({})
    return output
