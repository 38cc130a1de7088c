"""One model through lm-evaluation-harness: local weights, fixed seeds, no remote code, our progress bar."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from entp.errors import DataError, SetupError
from entp.evaluate.catalogue import Suite
from entp.evaluate.engine import Model, loaded
from entp.evaluate.quiet import quiet
from entp.evaluate.rows import Outcome, TaskFacts, outcome_of
from entp.llm.embedded import load_failure
from entp.progress import Advance, progress
from entp.records import digest_of

#: Resamples behind the standard error of metrics that are no plain mean (means have a closed form).
BOOTSTRAP_ROUNDS = 1000
REQUEST_KINDS = ("loglikelihood", "loglikelihood_rolling", "generate_until")


@dataclass(frozen=True)
class Conditions:
    """What both models are asked under; `limit` is items per task, `chat` says whether prompts are conversations."""

    chat: bool
    limit: int | None
    batch_size: int
    seed: int
    backend: str = "transformers"


def has_chat_template(model: Model) -> bool:
    """Whether a model's tokenizer can render a conversation. Raises SetupError where it cannot be loaded."""
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(
            model.source, revision=model.revision or "main", trust_remote_code=False
        )
    except (OSError, ValueError, ImportError) as error:
        raise load_failure(str(model.source), error) from error
    return bool(tokenizer.chat_template)


def evaluate_model(model: Model, suite: Suite, conditions: Conditions) -> Outcome:
    """Score one model on every task of the suite. Raises SetupError where the model cannot be loaded."""
    import torch
    from lm_eval.evaluator import evaluate

    with quiet():
        random.seed(conditions.seed)
        np.random.seed(conditions.seed)
        torch.manual_seed(conditions.seed)
        for task in suite.tasks.values():
            task.set_fewshot_seed(seed=conditions.seed)
        with loaded(model, conditions.backend, conditions.batch_size, conditions.seed) as engine:
            for kind in REQUEST_KINDS:
                setattr(engine, kind, partial(_with_bar, getattr(engine, kind), engine, model.title))
            try:
                results = evaluate(
                    engine,
                    {"tasks": suite.tasks, "groups": suite.groups},
                    limit=conditions.limit,
                    bootstrap_iters=BOOTSTRAP_ROUNDS,
                    apply_chat_template=conditions.chat,
                    fewshot_as_multiturn=conditions.chat,
                )
            except (ValueError, KeyError, TypeError) as error:
                raise DataError(f"evaluate: lm-evaluation-harness refuses the tasks: {error}") from error
    if results is None:
        raise SetupError("evaluate: only the first process of a distributed group gets scores; run it in one process")
    return outcome_of(results, {name: _facts(task, suite.owners[name]) for name, task in suite.tasks.items()})


def suite_digest(suite: Suite, limit: int | None) -> str:
    """Of everything asked: each task's settings and documents, wherever their files lie."""
    return digest_of([[name, _settings(task), *_documents(task, limit)] for name, task in sorted(suite.tasks.items())])


class _Count:
    """The harness's cache hook, called once per answered request: here it only moves the bar."""

    def __init__(self, advance: Advance) -> None:
        self.advance = advance

    def add_partial(self, *_: Any) -> None:
        self.advance(1)


def _with_bar(answer: Callable[..., Any], model: Any, title: str, requests: Sequence[Any], **options: Any) -> Any:
    with progress(f"evaluate: {title}", len(requests)) as advance:
        model.set_cache_hook(_Count(advance))
        return answer(requests, **options)


def _facts(task: Any, owner: str) -> TaskFacts:
    from lm_eval.api.metrics import mean

    aggregation = task.aggregation()
    directions = task.higher_is_better()
    return TaskFacts(
        owner,
        tuple(aggregation),
        frozenset(metric for metric, function in aggregation.items() if function is mean),
        frozenset(metric for metric, higher in directions.items() if not higher),
    )


def _settings(task: Any) -> dict[str, Any]:
    """A task's configuration without the places its files lie in."""
    settings = task.dump_config()
    for place in ("dataset_path", "dataset_name", "dataset_kwargs", "custom_dataset", "metadata", "fewshot_config"):
        settings.pop(place, None)
    return {name: value if isinstance(value, int | float | bool) else str(value) for name, value in settings.items()}


def _documents(task: Any, limit: int | None) -> list[list[str]]:
    """The documents that will be asked, and those that may serve as examples in a prompt."""
    asked = [str(document) for document in itertools.islice(task.eval_docs, limit)]
    examples = task.fewshot_docs() if task.get_config("num_fewshot") else []
    return [asked, [str(document) for document in examples]]
