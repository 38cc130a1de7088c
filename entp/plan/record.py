"""`plan.json`: what was planned, for which configuration and pairs. Strict: a file of another shape is no plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from entp import store
from entp.errors import DataError
from entp.store import Identity

FILE_NAME = "plan.json"


class Part(BaseModel):
    """Base of all parts: frozen, and strict about names."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Range(Part):
    """An expected total and its 90 % interval; all three are equal where the pilot was all pairs."""

    expected: float
    low: float
    high: float


class MadeFor(Part):
    """The run a plan is about, as the manifest of its dataset will name it."""

    config_digest: str
    code_version: str
    parents: dict[str, str]

    @classmethod
    def of(cls, identity: Identity) -> MadeFor:
        return cls(
            config_digest=identity.config_digest, code_version=identity.code_version, parents=dict(identity.parents)
        )


class Limit(Part):
    """A budget by its name in the configuration, and after about how many pairs it stops the run; None: not at all."""

    name: str
    value: float
    pairs: int | None


class Plan(Part):
    """What `mix` will take for the first `worked` of `pairs` pairs: those it begins before a limit stops it.

    The requests of fusing are meant, as in the metrics of `mix` and in its budgets: those of the audit that follows are
    not, and `accepted` is before it.

    `pilot` pairs were worked on, `failed` of them in vain (these tell nothing; `causes` says why). The run has
    `in_flight` pairs under way at once. `cost` is in the currency of `llm.price_in`, None where no price is set.
    `tokens_per_second` (written) is the pilot's pace and `hours` what the rest of the run takes at it, both None where
    the cache had most replies. `gpus` counts one per server, and is 0 where the model runs on a CPU.
    """

    format_version: Literal[1] = 1
    made_for: MadeFor
    model: str
    pairs: int
    worked: int
    pilot: int
    failed: int
    causes: str
    in_flight: int
    calls: Range
    tokens_in: Range
    tokens_out: Range
    tokens: Range
    cost: Range | None
    accepted: Range
    tokens_per_second: float | None
    hours: Range | None
    gpus: int
    limits: list[Limit]

    @property
    def gpu_hours(self) -> Range | None:
        if self.hours is None or not self.gpus:
            return None
        return Range(**{name: hours * self.gpus for name, hours in self.hours})

    @property
    def exact(self) -> bool:
        """Whether the pilot was all pairs."""
        return self.pilot - self.failed == self.pairs

    def ranges(self) -> Iterator[tuple[str, Range]]:
        """What is planned, by name, in the order of the page."""
        names = ("calls", "tokens_in", "tokens_out", "tokens", "cost", "hours", "gpu_hours", "accepted")
        for name in names:
            planned = getattr(self, name)
            if planned is not None:
                yield name, planned


def write(output: Path, plan: Plan) -> Path:
    path = output / FILE_NAME
    store.write_json(path, plan.model_dump(mode="json"))
    return path


def read(output: Path) -> Plan | None:
    """The plan of a run folder, or None where there is none. Raises DataError naming the field that is wrong."""
    path = output / FILE_NAME
    if not path.is_file():
        return None
    try:
        return Plan.model_validate_json(path.read_text(encoding="utf-8"))
    except (ValidationError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: {_first_problem(error)}; run `entp plan --output {output}` again") from error


def differences(plan: Plan, manifest: Mapping[str, object]) -> tuple[str, ...]:
    """In what a published dataset is not the one that was planned; nothing where it is."""
    made_for = plan.made_for.model_dump()
    words = {"config_digest": "another configuration", "code_version": "other code", "parents": "other pairs"}
    return tuple(word for name, word in words.items() if manifest[name] != made_for[name])


def _first_problem(error: ValidationError | UnicodeDecodeError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "not UTF-8 text"
    problem = error.errors()[0]
    field = ".".join(map(str, problem["loc"]))
    return f"{field}: {problem['msg'].lower()}" if field else str(problem["msg"]).lower()
