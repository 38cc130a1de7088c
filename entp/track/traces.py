"""Pairs of the stage `mix` as MLflow traces: a root span "fuse pair", and below it a span per operator.

The work is over when it is logged, so spans are built with the times and ids they shall have and sent as MLflow's own
exporter sends them, instead of being started and ended on MLflow's clock. A trace's id is the digest of its run and
its pair's record: logging a run again finds what is there, and a pair worked on anew replaces its trace.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from entp.conversation import Message, prompt_of, response_of
from entp.progress import progress
from entp.records import digest_of
from entp.track.spans import Conversation, PairSpans, Span

if TYPE_CHECKING:
    from mlflow.entities import Span as MlflowSpan
    from mlflow.entities import TraceInfo

NAME = "fuse pair"
#: Tags of a trace, to search by, such as tags.`entp.status` = 'rejected'.
STAGE_TAG, PAIR_TAG, STATUS_TAG, REASON_TAG = "entp.stage", "entp.pair_id", "entp.status", "entp.reason"
STAGE = "mix"
#: Operators that measure; all others write.
EVALUATORS = ("ICD", "FAC", "RATE")
#: MLflow's server takes at most this many ids in one request, and cuts what its table of traces shows.
IDS_AT_ONCE, PREVIEW_CHARACTERS = 100, 1000


def log(client: Any, run_id: str, pairs: Sequence[PairSpans]) -> None:
    """Make the traces of the run those of `pairs`: add what is missing, leave what is there, delete all others.

    Raises MlflowException or NotImplementedError where the tracking server cannot keep traces. What was sent until
    then stays, and is not sent again.
    """
    from mlflow.tracing.client import TracingClient

    experiment = client.get_run(run_id).info.experiment_id
    wanted = {trace_id(run_id, pair): pair for pair in pairs}
    known = _known(client, experiment, run_id)
    others = sorted(known - wanted.keys())
    for start in range(0, len(others), IDS_AT_ONCE):
        client.delete_traces(experiment, trace_ids=others[start : start + IDS_AT_ONCE])
    sender = TracingClient(client.tracking_uri)
    missing = [identity for identity in wanted if identity not in known]
    with progress("mix: traces to MLflow", len(missing)) as advance:
        for identity in missing:
            # The run finds a trace once its info is there: what a kill leaves behind without is sent again.
            sender.log_spans(experiment, spans_of(identity, wanted[identity]))
            sender.start_trace(info_of(identity, wanted[identity], experiment, run_id))
            advance()


def trace_id(run_id: str, pair: PairSpans) -> str:
    return f"tr-{digest_of([run_id, pair.model_dump()])}"


def spans_of(identity: str, pair: PairSpans) -> list[MlflowSpan]:
    """The root span, then the operators' in the order of the record."""
    parent_a, parent_b = pair.parents
    root = _span(
        identity,
        0,
        NAME,
        (pair.started, pair.ended),
        {
            "mlflow.spanType": "CHAIN",
            "mlflow.spanInputs": {"parent_a": parent_a, "parent_b": parent_b},
            "mlflow.spanOutputs": {
                "status": pair.status,
                "reason": pair.reason,
                "messages": pair.messages,
                "loss": pair.loss,
            },
            "model": pair.model,
        },
        failure=pair.reason if pair.status == "failed" else None,
    )
    return [root, *(_operator(identity, number, span, pair.model) for number, span in enumerate(pair.spans, start=1))]


def info_of(identity: str, pair: PairSpans, experiment: str, run_id: str) -> TraceInfo:
    """What the table of traces shows, and what ties the trace to its run."""
    from mlflow.entities import TraceInfo, TraceLocation, TraceState

    return TraceInfo(
        trace_id=identity,
        trace_location=TraceLocation.from_experiment_id(experiment),
        request_time=round(pair.started * 1000),
        execution_duration=round((pair.ended - pair.started) * 1000),
        state=TraceState.ERROR if pair.status == "failed" else TraceState.OK,
        request_preview=" + ".join(map(_asked, pair.parents))[:PREVIEW_CHARACTERS],
        response_preview=_told(pair)[:PREVIEW_CHARACTERS],
        trace_metadata={
            "mlflow.sourceRun": run_id,
            "mlflow.trace_schema.version": "3",
            "mlflow.trace.tokenUsage": json.dumps(_usage(pair.tokens_in, pair.tokens_out)),
        },
        tags={
            "mlflow.traceName": NAME,
            STAGE_TAG: STAGE,
            PAIR_TAG: pair.pair_id,
            STATUS_TAG: pair.status,
            REASON_TAG: pair.reason,
        },
    )


def _known(client: Any, experiment: str, run_id: str) -> set[str]:
    """Ids of the run's traces that are ours."""
    query = {"locations": [experiment], "run_id": run_id, "filter_string": f"tags.`{STAGE_TAG}` = '{STAGE}'"}
    known: set[str] = set()
    token = None
    while True:
        page = client.search_traces(**query, include_spans=False, max_results=IDS_AT_ONCE, page_token=token)
        known.update(trace.info.trace_id for trace in page)
        token = page.token
        if not token:
            return known


def _operator(identity: str, number: int, span: Span, model: str) -> MlflowSpan:
    measured = {"loss": span.loss, "terms": span.terms or None, "heaviest": span.heaviest}
    outputs = {name: value for name, value in {"text": span.text or None, **measured}.items() if value is not None}
    facts = {
        "mlflow.spanType": "EVALUATOR" if span.operator in EVALUATORS else "LLM",
        "mlflow.spanOutputs": outputs or None,
        "mlflow.chat.tokenUsage": _usage(span.tokens_in, span.tokens_out),
        "mlflow.llm.model": model,
        "template": span.template,
        "iteration": span.iteration,
        "kept": span.kept,
        **measured,
    }
    return _span(identity, number, span.operator, (span.started, span.ended), facts)


def _span(
    identity: str,
    number: int,
    name: str,
    times: tuple[float, float],
    facts: Mapping[str, Any],
    failure: str | None = None,
) -> MlflowSpan:
    """Span `number` of a trace; number 0 is the parent of all others. MLflow keeps attributes as JSON text."""
    from mlflow.entities import Span as MlflowSpan
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import SpanContext, Status, StatusCode

    def place(index: int) -> SpanContext:
        span_id = int(digest_of([identity, index])[:16], 16)
        return SpanContext(int(identity.removeprefix("tr-"), 16), span_id, is_remote=False)

    known = {"mlflow.traceRequestId": identity, **{key: value for key, value in facts.items() if value is not None}}
    start, end = (round(seconds * 1e9) for seconds in times)
    return MlflowSpan(
        ReadableSpan(
            name,
            place(number),
            parent=place(0) if number else None,
            resource=Resource.get_empty(),
            attributes={key: json.dumps(value, ensure_ascii=False) for key, value in known.items()},
            status=Status(StatusCode.ERROR, failure) if failure else Status(StatusCode.OK),
            start_time=start,
            end_time=end,
        )
    )


def _usage(tokens_in: int, tokens_out: int) -> dict[str, int]:
    return {"input_tokens": tokens_in, "output_tokens": tokens_out, "total_tokens": tokens_in + tokens_out}


def _asked(messages: Conversation) -> str:
    return prompt_of(cast(list[Message], messages))


def _told(pair: PairSpans) -> str:
    """What the pair became, with the decision where that is nothing."""
    if not pair.messages:
        return f"{pair.status}: {pair.reason}"
    messages = cast(list[Message], pair.messages)
    return f"{prompt_of(messages)}\n\n{response_of(messages)}"
