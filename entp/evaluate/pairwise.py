"""Pairwise judging: both models answer a set of instructions, and the `llm` says whose answer is the better one.

Every pair is shown in both orders, since a judge prefers places: who is preferred in both wins, otherwise it is a tie
(Zheng et al. 2023, arXiv 2306.05685, sec. 3.4). An item's value is 1 for a win of the trained model, 1/2 for a tie,
0 for a loss; the base model has 1/2 by definition, so that a gain is the win rate above one half.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import polars as pl

from entp.config import Config
from entp.errors import DataError
from entp.evaluate.engine import Model, chosen_backend
from entp.evaluate.instructions import read_instructions
from entp.evaluate.rows import Outcome, Row, standard_error
from entp.judge.answers import is_answer
from entp.judge.both_orders import A, B, both_orders, by_pair
from entp.judge.prompt import Prompt, excerpt, fill
from entp.judge.retry import ask_again
from entp.llm.client import Generate, Reply, user
from entp.llm.session import open_session
from entp.progress import progress
from entp.records import JUDGEMENTS, digest_of

PROMPT = Prompt("entp.evaluate", "preference.v1")
METRIC = "win_rate"
#: Longest answer, and how much of the instruction and of each answer the judge sees, in tokens (our choice).
ANSWER_TOKENS, SHOWN_TOKENS = 512, 512
TIE = 0.5


@dataclass(frozen=True)
class Contest:
    """What the judge made of one instruction; `verdict` is the item's value, null where an order was not judged."""

    instruction: str
    before: str
    after: str
    verdict: float | None


def judge(config: Config, models: tuple[Model, Model], cache: Path) -> list[Contest]:
    """Both models' greedy answers to `evaluate.instructions`, and the verdicts on them.

    Answers that are word for word the same are a tie, and nobody is asked. Replies are kept in `cache`.
    """
    path = Path(config.evaluate.instructions or "").expanduser()
    instructions = read_instructions(path, config.evaluate.limit)
    before, after = (_answers(config, model, instructions, cache) for model in models)
    verdicts: list[float | None] = [TIE] * len(instructions)
    differing = [place for place in range(len(instructions)) if before[place] != after[place]]
    if differing:
        pairs = [(instructions[place], before[place], after[place]) for place in differing]
        for place, value in zip(differing, _verdicts(config, pairs, cache), strict=True):
            verdicts[place] = value
    return [Contest(*row) for row in zip(instructions, before, after, verdicts, strict=True)]


def _verdicts(config: Config, pairs: Sequence[tuple[str, str, str]], cache: Path) -> list[float | None]:
    """The value of each (instruction, answer before, answer after)."""
    prompts = [
        (rendered(instruction, before, after), rendered(instruction, after, before))
        for instruction, before, after in pairs
    ]
    with (
        open_session(config.llm, cache, purpose="evaluate") as session,
        progress("evaluate: judge", 2 * len(pairs)) as advance,
    ):
        replies = session.run(ask_again(session.choose, both_orders(prompts), advance))
    return [verdict(straight, turned) for straight, turned in by_pair(replies)]


def rendered(instruction: str, first: str, second: str) -> str:
    """The question about two answers to one instruction; each of the three is cut to its room."""
    shown = [excerpt(text, SHOWN_TOKENS) for text in (instruction, first, second)]
    return fill(PROMPT, instruction=shown[0], first=shown[1], second=shown[2])


def verdict(straight: Reply, turned: Reply) -> float | None:
    """The value of one item; `straight` has the trained model's answer as B, `turned` as A."""
    if not (is_answer(straight) and is_answer(turned)):
        return None
    leads = (
        straight.probabilities[B] - straight.probabilities[A],
        turned.probabilities[A] - turned.probabilities[B],
    )
    if min(leads) > 0:
        return 1.0
    return 0.0 if max(leads) < 0 else TIE


def outcomes(config: Config, contests: Sequence[Contest]) -> tuple[Outcome, Outcome]:
    """The rows of the base model and of the trained one, as if pairwise judging were a task `judged_<file>`.

    Raises DataError where no instruction was judged.
    """
    task = f"judged_{Path(config.evaluate.instructions or '').stem}"
    judged = [(place, contest) for place, contest in enumerate(contests) if contest.verdict is not None]
    if not judged:
        raise DataError(
            f"{task}: the judge {config.llm.model} said neither A nor B to any of {len(contests)} instructions; "
            "take a stronger one (llm.model=, llm.endpoint=), or leave evaluate.instructions out"
        )
    names = [f"{place}-{digest_of([contest.instruction])[:12]}" for place, contest in judged]
    won = [float(contest.verdict or 0.0) for _, contest in judged]
    return _outcome(task, names, [TIE] * len(judged)), _outcome(task, names, won)


def table(contests: Sequence[Contest]) -> pl.DataFrame:
    """Who said what, and who won, for people to read."""
    return pl.DataFrame([asdict(contest) for contest in contests], schema=JUDGEMENTS)


def notes(contests: Sequence[Contest]) -> tuple[str, ...]:
    """What a reader of the win rate must know: who won how often, and what was not judged."""
    verdicts = [contest.verdict for contest in contests]
    won, tied, lost = (verdicts.count(value) for value in (1.0, TIE, 0.0))
    told = [f"judged pair by pair: the trained model won {won}, tied {tied} and lost {lost} of {len(contests)}"]
    if unjudged := verdicts.count(None):
        told.append(f"{unjudged} pairs were not judged: the judge chose neither answer in one order")
    return tuple(told)


def _outcome(task: str, names: Sequence[str], values: Sequence[float]) -> Outcome:
    common = {"task": task, "metric": METRIC}
    items: list[Row] = [
        {**common, "subtask": task, "item": name, "value": value} for name, value in zip(names, values, strict=True)
    ]
    score: Row = {
        **common,
        "value": sum(values) / len(values),
        "stderr": standard_error(values),
        "items": len(values),
        "headline": True,
        "higher_is_better": True,
    }
    return Outcome([score], items)


def _answers(config: Config, model: Model, instructions: Sequence[str], cache: Path) -> list[str]:
    """One model's answers, written in this process. Raises DataError where it fails to write one."""
    backend = chosen_backend(config.evaluate.backend)
    own = {"model": str(model.source), "revision": model.revision, "backend": backend, "endpoint": None}
    settings = config.llm.model_copy(update=own)
    requests = [Generate(user(instruction), ANSWER_TOKENS) for instruction in instructions]
    with (
        open_session(settings, cache, purpose="evaluate") as session,
        progress(f"evaluate: {model.title} answers", len(requests)) as advance,
    ):
        replies = session.run(ask_again(session.generate, requests, advance))
    for number, reply in enumerate(replies, start=1):
        if reply.status not in ("ok", "truncated"):
            raise DataError(f"evaluate.instructions: no answer to instruction {number} ({reply.status}: {reply.error})")
    return [reply.text.strip() for reply in replies]
