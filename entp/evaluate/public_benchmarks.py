"""Public benchmarks: lm-evaluation-harness's own tasks, with their items read from local files where there are any.

Prompts, examples, filters and metrics are the harness's. What changes is where the items come from: the files of
`evaluate.data_path` in place of the Hub, for a cluster without network or an audit that wants to see them. Without that
folder the harness fetches them as it always does.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from entp.errors import DataError, SetupError

if TYPE_CHECKING:
    from datasets import DatasetDict

Row = dict[str, Any]
#: Puts a local row into the form that the harness's task reads; null leaves it to another subject or language.
Convert = Callable[[Row, str], Row | None]


@dataclass(frozen=True)
class Benchmark:
    """The `folder` of its task files in the harness, its local `files` by split, and how their rows are turned."""

    folder: str
    files: dict[str, str]
    convert: Convert


def harness_tasks() -> Path:
    """Where lm-evaluation-harness keeps its task files. Raises SetupError where it is not installed."""
    spec = importlib.util.find_spec("lm_eval")
    if spec is None or not spec.submodule_search_locations:
        raise SetupError('evaluation needs lm-evaluation-harness: pip install "entp[train]"')
    return Path(next(iter(spec.submodule_search_locations))) / "tasks"


def folders() -> list[Path]:
    """The harness's folders that hold the tasks of these benchmarks."""
    return [harness_tasks() / benchmark.folder for benchmark in BENCHMARKS]


def benchmark_of(task_file: Path) -> Benchmark | None:
    """The benchmark that a task file of the harness belongs to; none for a file from elsewhere."""
    for benchmark in BENCHMARKS:
        if (harness_tasks() / benchmark.folder).resolve() in task_file.resolve().parents:
            return benchmark
    return None


def with_local_items(settings: Row, benchmark: Benchmark, data: Path) -> Row:
    """A task's configuration, reading the files of `data`."""
    subset = str(settings.get("dataset_name") or "")
    changed = {name: value for name, value in settings.items() if name not in ("dataset_name", "dataset_kwargs")}
    if "train" not in benchmark.files:
        # A shot is then another item, never the one asked.
        split = next(iter(benchmark.files))
        changed |= {"training_split": None}
        changed |= {"fewshot_split": split} if changed.get("fewshot_split") == "train" else {}
    return changed | {"custom_dataset": partial(load, benchmark, data, subset)}


def load(benchmark: Benchmark, data: Path, subset: str, **_: Any) -> DatasetDict:
    """The splits of a benchmark (of one subject, where it has several). Raises DataError naming file and line."""
    from datasets import Dataset, DatasetDict

    splits = {}
    for split, file in benchmark.files.items():
        converted = (benchmark.convert(row, subset) for row in _read(data / file))
        rows = [row for row in converted if row is not None]
        if not rows:
            raise DataError(f"{data / file}: no item of {subset or 'the benchmark'} in it")
        splits[split] = Dataset.from_list(rows)
    return DatasetDict(splits)


def _read(path: Path) -> Iterator[Row]:
    if not path.is_file():
        raise DataError(f"{path} is not there; put the benchmark's items there, or leave evaluate.data_path out")
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                yield json.loads(line)
            except ValueError as error:
                raise DataError(f"{path}:{number}: not JSON ({error})") from error


def _mmlu(row: Row, subset: str) -> Row | None:
    if row["subject"] != subset:
        return None
    return {**row, "answer": "ABCD".index(row["answer"])}


def _as_it_is(row: Row, subset: str) -> Row:
    del subset
    return row


def _truthfulqa(row: Row, subset: str) -> Row:
    """The choices of TruthfulQA's multiple-choice tasks, as its authors make them of the answers (Lin et al. 2021)."""
    del subset
    right, wrong = (_answers(row[name]) for name in ("Correct Answers", "Incorrect Answers"))
    best = row["Best Answer"].strip()
    return {
        "question": row["Question"],
        "mc1_targets": {"choices": [best, *wrong], "labels": [1] + [0] * len(wrong)},
        "mc2_targets": {"choices": [*right, *wrong], "labels": [1] * len(right) + [0] * len(wrong)},
    }


def _answers(text: str) -> list[str]:
    return [answer.strip() for answer in text.split(";") if answer.strip()]


def _bbh(row: Row, subset: str) -> Row | None:
    return {"input": row["input"], "target": row["target"]} if row["task"] == subset else None


def _tydiqa(row: Row, subset: str) -> Row:
    del subset
    answers = row["answers"]
    starts = [answer["answer_start"] for answer in answers]
    return {**row, "answers": {"text": [answer["text"] for answer in answers], "answer_start": starts}}


def _math500(row: Row, subset: str) -> Row:
    """The harness takes the answer from the box in a solution, of which the file may hold no more than that."""
    del subset
    return {"problem": row["problem"], "solution": row.get("solution") or f"\\boxed{{{row['answer']}}}"}


def require_sentences(tasks: Iterable[str]) -> None:
    """IFEval counts sentences by a model of NLTK's, which it tries to fetch. Raises SetupError where that failed."""
    if not any(name.startswith("ifeval") for name in tasks):
        return
    import nltk

    try:
        nltk.data.find("tokenizers/punkt_tab")
    except LookupError as error:
        raise SetupError(
            "ifeval counts sentences by NLTK's punkt_tab, which is not here and could not be fetched; put it into a "
            "folder that NLTK_DATA names (`python -m nltk.downloader punkt_tab`, where there is a network)"
        ) from error


BENCHMARKS: tuple[Benchmark, ...] = (
    Benchmark("mmlu/default", {"test": "mmlu_test.jsonl", "dev": "mmlu_dev.jsonl"}, _mmlu),
    Benchmark("gsm8k", {"test": "gsm8k_test.jsonl"}, _as_it_is),
    Benchmark("truthfulqa", {"validation": "truthfulqa.jsonl"}, _truthfulqa),
    Benchmark("bbh", {"test": "bbh.jsonl"}, _bbh),
    Benchmark("tydiqa", {"validation": "tydiqa_goldp_dev.jsonl"}, _tydiqa),
    Benchmark("ifeval", {"train": "ifeval.jsonl"}, _as_it_is),
    Benchmark("hendrycks_math", {"test": "math500.jsonl"}, _math500),
)
