"""A real model and tokenizer of a few kilobytes: a two-layer Llama over bytes, with SmolLM2's chat template."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from entp.conversation import Message
from tests.datasets import publish

CHATML = (
    "{% for message in messages %}"
    "{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\nBe helpful, and brief<|im_end|>\n' }}{% endif %}"
    "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)

#: A template with a place for tools, calls, results and reasoning.
TOOLS_CHATML = (
    "{%- for message in messages %}"
    "{%- if loop.first and tools %}{{ '<|im_start|>tools\n' + (tools | tojson) + '<|im_end|>\n' }}{% endif %}"
    "{{- '<|im_start|>' + message['role'] + '\n' }}"
    "{%- if message['role'] == 'assistant' %}{% generation %}"
    "{%- if message.reasoning_content %}{{ '<think>' + message.reasoning_content + '</think>' }}{% endif %}"
    "{{- message['content'] }}"
    "{%- for call in message.tool_calls or [] %}"
    "{{ '<tool_call>' + (call.function | tojson) + '</tool_call>' }}{% endfor %}"
    "{{- '<|im_end|>' }}{% endgeneration %}{% else %}{{- message['content'] + '<|im_end|>' }}{% endif %}"
    "{{- '\n' }}{%- endfor %}"
    "{%- if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def tiny_tokenizer(template: str | None = CHATML) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: number for number, token in enumerate(special + letters)}
    backend = Tokenizer(models.BPE(vocabulary, merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens(special)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, bos_token="<|endoftext|>", eos_token="<|im_end|>")
    tokenizer.chat_template = template
    return tokenizer


def tiny_model(**changes: Any) -> Any:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(7)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    return LlamaForCausalLM(LlamaConfig(vocab_size=259, eos_token_id=2, **{**sizes, **changes}))


def save_tiny(folder: Path) -> Path:
    """The model's folder, to be named as `train.model`."""
    tiny_model().save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return folder


def publish_rows(run: Path, train: int, validation: int = 0) -> dict[str, Path]:
    """An assemble dataset of short conversations."""
    rows = [
        {"id": f"{number:04d}", "origin": "hq", "source": "manual", "messages": talk(number), "parents": [str(number)]}
        for number in range(train + validation)
    ]
    return {"assemble": publish(run, "assemble", train=rows[:train], validation=rows[train:])}


def talk(number: int) -> list[Message]:
    return [
        Message(role="user", content=f"Count from {number} to {number + 3}."),
        Message(role="assistant", content=", ".join(str(number + step) for step in range(4)) + "."),
    ]
