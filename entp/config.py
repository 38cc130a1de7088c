"""Configuration: one strict model per stage, mirrored by `params.yaml` (read and written by `entp.params`).

Defaults are the laptop's (the embedded model).
Fields marked `OPERATIONAL` say how to reach a result, not what it is, and stay out of digests.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

OPERATIONAL = "operational"
Ratio = Annotated[float, Field(ge=0.0, le=1.0)]
#: The rows of `entp.rate.raters`. `combined` is computed from the ratings of a run's other raters.
RaterName = Literal["likelihood", "nll", "ifd", "judge", "judge_generated"]

#: What a passage becomes: questions with answers, a rephrasing in one of four styles, an instruction that it answers.
AcquireStyle = Literal["question_answer", "easy", "medium", "hard", "conversation", "synthesise"]


class Section(BaseModel):
    """Base of all sections: frozen, and strict about names."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def operational(default: Any, description: str, **constraints: Any) -> Any:
    """A field that changes speed, cost accounting or access, never the result."""
    return Field(default, description=description, json_schema_extra={OPERATIONAL: True}, **constraints)


class IngestConfig(Section):
    format: Literal["auto", "alpaca", "sharegpt", "messages", "prompt_completion", "question_answer"] = Field(
        "auto", description="row format; auto decides by each row's columns"
    )
    source_column: str = Field("source", description="column naming each row's source; else the file's name")
    max_characters: int = Field(200_000, ge=1, description="longer rows go to quarantine")
    min_kept_ratio: Ratio = Field(0.1, description="fail when a smaller share of rows can be read")


class PurgeConfig(Section):
    disable: list[str] = Field([], description="reasons of rules to switch off")
    thresholds: dict[str, float] = Field(
        {}, description="reason -> threshold, in place of the rule's own (a quantile where its prior is one)"
    )
    priors: str | None = Field(
        None,
        description="file of `entp purge --fit-priors` whose quantiles apply; absent: learnt from each pool",
    )
    languages: list[str] = Field(["en", "zh"], description="allowed languages (ISO 639-1); [] allows all")
    personal_data: list[str] | None = Field(
        None, description="types of personal data that placeholders replace (entp.pii.find); absent: all; []: none"
    )
    benchmarks: list[str] = Field(
        [], description="files or folders of evaluation items that samples must not hold, besides our own"
    )
    contamination_words: int = Field(
        8, ge=3, description="words in a shared run; an item leaks where such runs make up half of what it asks"
    )
    duplicate_scope: Literal["both", "prompt", "response"] = Field(
        "both", description="what near-duplicates must have in common; `both` asks it of the whole and of the response"
    )
    near_duplicate_jaccard: float = Field(
        0.8, gt=0, le=1, description="shingle Jaccard at or above is a near-duplicate"
    )
    shingle_words: int = Field(5, ge=1, description="words (or CJK characters) in a shingle")
    index: str | None = Field(
        None, description="folder of an earlier purge's index: copies of what is in it are dropped too"
    )
    keep_index: bool = Field(False, description="publish an index of what is kept, for the purge of later batches")
    semantic_eps: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="cosine above 1 - eps is a semantic duplicate (0.07: paraphrases); absent: not looked for",
    )
    shared_span_texts: int | None = Field(
        None, ge=2, description="flag spans that this many responses share word for word; absent: not looked for"
    )
    shared_span_tokens: int = Field(8, ge=3, description="words, characters or runs of marks in such a span")
    soft_duplicates: bool = Field(False, description="weigh kept samples by how common they are, for assemble")
    min_kept_ratio: Ratio = Field(0.05, description="fail when a smaller share survives")
    workers: int | None = operational(
        None, "processes; when absent one per processor, for pools that are worth it", ge=1
    )


class LLMConfig(Section):
    model: str = Field("embedded", description="`embedded`, a Hugging Face model id, or a local folder")
    revision: str | None = Field(None, description="pinned revision of a Hub model")
    backend: Literal["auto", "transformers", "endpoint", "vllm"] = Field(
        "auto", description="where it runs; auto is the `endpoint` where one is named, else `transformers`"
    )
    structured: Literal["fields", "schema"] = Field(
        "fields",
        description="`fields` asks for one text at a time (small models); `schema` for one JSON object",
    )
    max_context: int = Field(2048, ge=128, description="longest prompt and reply together, in tokens")
    batch_size: int = Field(16, ge=1, description="requests in one forward pass (transformers)")
    endpoint: str | list[str] | None = operational(
        None, "base URL of an OpenAI-compatible server, such as http://localhost:8000/v1; several share the load"
    )
    api_key_env: str = operational("OPENAI_API_KEY", "environment variable that holds the endpoint's key")
    concurrency: int = operational(64, "requests in flight (endpoint, vllm)", ge=1)
    timeout_seconds: float = operational(120.0, "time allowed for one request", gt=0)
    retries: int = operational(4, "further tries after an infrastructure error", ge=0)
    price_in: float = operational(0.0, "money per million prompt tokens", ge=0)
    price_out: float = operational(0.0, "money per million reply tokens", ge=0)


class EmbedConfig(Section):
    model: str = Field("embedded", description="`embedded`, a Hugging Face sentence encoder, or a local folder")
    batch_size: int = Field(32, ge=1, description="texts in one forward pass")
    max_tokens: int = Field(256, ge=16, description="longer texts are cut")


class RateConfig(Section):
    raters: list[RaterName | Literal["combined"]] = Field(
        ["likelihood", "judge"],
        min_length=1,
        description="raters that score every sample, side by side; `combined` is the mean of the others",
    )
    regress_out: list[Literal["length", "source"]] = Field(
        [], description="what a rater's numbers must not follow: the response's length, the sample's source"
    )
    max_samples: int | None = Field(None, ge=1, description="budget: rate at most this many samples per rater")
    max_tokens: int = Field(512, ge=64, description="longer samples are cut before rating, in tokens")
    min_rated_ratio: Ratio = Field(0.5, description="fail when a rater scores a smaller share of what it was given")

    @model_validator(mode="after")
    def _raters_fit_together(self) -> RateConfig:
        if len(set(self.raters)) < len(self.raters):
            raise ValueError("a rater is named twice in raters")
        if "combined" in self.raters and len(self.raters) < 3:
            raise ValueError("combined needs two other raters in raters to combine")
        return self


class CurateConfig(Section):
    rater: RaterName | Literal["combined"] = Field("likelihood", description="whose ratings are curated")
    neighbours: int = Field(10, ge=2, description="k of the nearest-neighbour vote")
    approximate_from: int = Field(
        200_000, ge=1, description="from this many rated samples on, neighbours are searched approximately"
    )
    bootstrap: int = Field(100, ge=0, description="redrawn pools behind the matrix's intervals; 0 gives none")
    vote: Literal["bayes", "ds2"] = Field(
        "bayes",
        description="`bayes` weighs scores by the transition matrix (where it is identifiable), `ds2` by nearness",
    )
    relabel_confidence: Ratio = Field(0.5, description="share of the vote (its probability) that replaces a score")
    high_quality_from: int = Field(4, ge=1, le=5, description="curated scores from here up are HQ")
    low_quality_to: int = Field(2, ge=0, le=4, description="curated scores down from here are LQ")
    min_confidence: Ratio = Field(
        0.35, description="share of the vote in a sample's own band (low, high) under which it is undecided"
    )

    @model_validator(mode="after")
    def _tiers_are_apart(self) -> CurateConfig:
        if self.low_quality_to >= self.high_quality_from:
            raise ValueError(f"low_quality_to must be under high_quality_from={self.high_quality_from}")
        return self


class PairConfig(Section):
    clusters: int | None = Field(None, ge=1, description="number of clusters; chosen by silhouette when absent")
    max_clusters: int = Field(32, ge=2, description="largest number of clusters tried")
    representatives: int = Field(3, ge=1, description="MMR representatives per cluster")
    mmr_lambda: Ratio = Field(0.7, description="MMR: 1 is closeness to the centre only, 0 variety only")
    neighbours: int = Field(10, ge=1, description="one-hop neighbourhood of each sample")
    strategy: Literal["complementary", "nearest", "random", "cross_cluster"] = Field(
        "complementary", description="who is paired with whom; the last three are there to be compared with"
    )
    similarity_min: float = Field(0.25, ge=-1, le=1, description="less similar samples are not paired")
    similarity_max: float = Field(0.92, ge=-1, le=1, description="more similar samples are near-duplicates")

    @model_validator(mode="after")
    def _window_is_open(self) -> PairConfig:
        if self.similarity_min >= self.similarity_max:
            raise ValueError(f"similarity_min={self.similarity_min} must be under similarity_max={self.similarity_max}")
        return self


class MixConfig(Section):
    method: Literal["entp", "one_shot", "one_to_one", "self_refine", "self_instruct", "evol_instruct"] = Field(
        "entp", description="how new samples are made; all but `entp` are rivals to be compared with"
    )
    instruction_cycle: bool = Field(True, description="check and mend the merged instruction; false keeps the first")
    answer_cycle: bool = Field(True, description="check and mend the answer; false keeps the first")
    symbolic_loss: bool = Field(
        True, description="let the whole loss steer; false leaves it to the judge's terms alone"
    )
    prompt_switching: bool = Field(True, description="let errors choose the next template; false repeats the first")
    max_pairs: int | None = Field(None, ge=1, description="budget: fuse at most this many pairs")
    max_requests: int | None = Field(None, ge=1, description="budget: start no new pair after this many requests")
    max_tokens: int | None = Field(
        None, ge=1, description="budget: start no new pair after this many tokens, in and out"
    )
    max_cost: float | None = Field(
        None, gt=0, description="budget: start no new pair after this much money (llm.price_in)"
    )
    max_seconds: float | None = Field(
        None, gt=0, description="budget: start no new pair after this time, counted from the start of each run"
    )
    instruction_tries: int = Field(3, ge=1, description="tries in the instruction cycle (K)")
    answer_tries: int = Field(2, ge=1, description="tries in the answer cycle (K)")
    temperature: float = Field(0.4, ge=0, le=2, description="sampling temperature of the writing operators")
    max_instruction_tokens: int = Field(96, ge=16, description="longest merged instruction")
    max_answer_tokens: int = Field(192, ge=16, description="longest direct, merged or updated answer")
    rater: RaterName = Field("judge", description="rater that compares a fusion with its parents")
    good_enough: float = Field(0.05, ge=0, description="an instruction or answer of no higher loss ends its cycle")
    accept_loss: float = Field(0.35, ge=0, description="a fused pair with a higher final loss is rejected")
    key_terms: int = Field(6, ge=1, description="key terms taken from each parent")
    one_to_one_fallback: bool = Field(True, description="rewrite the better parent when a pair can't be fused")
    in_flight: int | None = Field(
        None, ge=1, description="pairs worked on at once; when absent 8, or twice llm.concurrency with vLLM or a server"
    )


class LossConfig(Section):
    """Weights of the symbolic loss (`entp.mix.loss`, `entp.mix.terms`); 0 leaves a term out."""

    unreadable: float = Field(1.0, ge=0, description="the merged instruction has no words")
    truncated: float = Field(0.5, ge=0, description="it hit its token limit, or breaks off")
    wrong_language: float = Field(0.5, ge=0, description="it is in a language that neither parent has")
    leakage: float = Field(
        0.5, ge=0, description="it holds scraps of the prompt, role markers or a chat model's phrases"
    )
    not_a_request: float = Field(0.4, ge=0, description="it tells something instead of asking")
    absent_reference: float = Field(0.4, ge=0, description="it leans on a text or picture that it does not hold")
    copies_parent: float = Field(0.4, ge=0, description="it repeats one parent")
    repetition: float = Field(0.4, ge=0, description="it goes round in circles")
    missing_intent: float = Field(0.4, ge=0, description="what one parent asks for is gone")
    missing_terms_a: float = Field(0.2, ge=0, description="share of the first parent's key terms that is gone")
    missing_terms_b: float = Field(0.2, ge=0, description="share of the second parent's key terms that is gone")
    length: float = Field(0.15, ge=0, description="it is too short or too long")
    judged_incomplete: float = Field(0.1, ge=0, description="the judge finds a task missing; 0 asks no judge")
    answer_unreadable: float = Field(1.0, ge=0, description="the answer has no words")
    answer_truncated: float = Field(0.5, ge=0, description="it hit its token limit, or breaks off")
    answer_wrong_language: float = Field(0.5, ge=0, description="it is in a language that neither parent has")
    answer_leakage: float = Field(0.5, ge=0, description="it holds scraps of the prompt, or a chat model's phrases")
    answer_repetition: float = Field(0.4, ge=0, description="it goes round in circles")
    answer_copies: float = Field(0.4, ge=0, description="it repeats a parent's answer or the instruction")
    answer_misses_a: float = Field(0.2, ge=0, description="it leaves out what the first direct answer tells")
    answer_misses_b: float = Field(0.2, ge=0, description="it leaves out what the second direct answer tells")
    answer_length: float = Field(0.15, ge=0, description="it is too short or too long")
    answer_judged_incomplete: float = Field(0.1, ge=0, description="the judge finds it incomplete; 0 asks no judge")


class AuditConfig(Section):
    """What new samples must stand before they are published (`entp.audit`)."""

    benchmarks: list[str] = Field(
        [],
        description="files or folders of evaluation items (JSONL, JSON, Parquet) that must not leak, besides our own",
    )
    contamination_words: int = Field(
        8, ge=3, description="words in a shared run; an item leaks where such runs make up half of what it asks"
    )
    near_duplicate_jaccard: Ratio = Field(
        0.8, description="a sample this similar to its parent or another new one is a near-duplicate"
    )
    ask_toxicity: bool = Field(
        False, description="also ask the model whether new samples and parents are toxic; small models can't tell"
    )
    max_failing_share: Ratio = Field(
        0.2, description="fail when the checks turn down a larger share of accepted samples"
    )
    min_distinct_ratio: Ratio = Field(
        0.7, description="fail when distinct word pairs fall below this share of the parents'"
    )
    min_spread_ratio: Ratio = Field(
        0.7, description="fail when the embeddings' spread falls below this share of the parents'"
    )
    min_samples: int = Field(
        20, ge=1, description="fewer accepted samples are too few to fail a run by shares and ratios"
    )


class AssembleConfig(Section):
    hq_share: float = Field(0.5, ge=0, lt=1, description="share of HQ samples in the set; 0 leaves them out")
    fill_rows: int = Field(
        60, ge=0, description="HQ samples beyond their share fill a smaller set up to this; 0 keeps the share strictly"
    )
    source_shares: dict[str, float] = Field(
        {}, description="source -> its share of the HQ samples (`entp weigh-sources`); {} takes the best of all"
    )
    max_rows: int | None = Field(None, ge=1, description="budget: rows for training and validation together")
    validation_share: float = Field(0.1, ge=0, lt=0.9, description="share held out, whole clusters at a time")
    min_rows: int = Field(4, ge=1, description="fail when fewer training rows come together")


class TrainConfig(Section):
    model: str = Field("embedded", description="base model: `embedded`, a Hugging Face model id, or a local folder")
    revision: str | None = Field(None, description="pinned revision of a Hub model")
    method: Literal["lora", "qlora", "full"] = Field(
        "lora", description="what is trained: adapters, adapters on a base in 4 bits, or all weights"
    )
    lora_rank: int = Field(16, ge=1, description="LoRA rank")
    lora_alpha: int = Field(16, ge=1, description="LoRA alpha")
    lora_dropout: Ratio = Field(0.1, description="LoRA dropout")
    learning_rate: float = Field(5e-4, gt=0, description="peak learning rate, linear decay")
    warmup_ratio: Ratio = Field(0.03, description="share of steps spent warming up")
    epochs: float = Field(1.0, gt=0, description="passes over the training set")
    batch_size: int = Field(2, ge=1, description="effective batch, in packed sequences")
    max_length: int = Field(512, ge=64, description="packed sequence length, in tokens")
    packing: bool = Field(True, description="best-fit packing of samples into sequences")
    order: Literal["shuffled", "curriculum"] = Field(
        "shuffled", description="`curriculum` goes from what the base model finds easy to what it finds hard"
    )
    unrenderable: Literal["refuse", "leave_out"] = Field(
        "refuse", description="rows whose tools, reasoning or system turn the model's chat template leaves out"
    )
    gradient_checkpointing: bool | None = operational(
        None, "compute activations twice to save memory; absent: on a GPU"
    )
    sharded: bool = operational(False, "torchrun's processes share the weights and optimizer states too (FSDP)")
    save_steps: int = Field(5, ge=1, description="steps between resumable checkpoints")

    @model_validator(mode="after")
    def _four_bits_are_not_shared(self) -> TrainConfig:
        if self.method == "qlora" and self.sharded:
            raise ValueError("train.sharded=true goes with train.method=lora or full: four-bit weights are not shared")
        return self


class EvaluateConfig(Section):
    tasks: list[str] = Field(
        ["entp_knowledge", "entp_arithmetic", "entp_instructions"],
        min_length=1,
        description="names of tasks, groups or tags in lm-evaluation-harness YAML files",
    )
    include_path: str | None = Field(None, description="folder of further task YAML files, with their data")
    data_path: str | None = Field(
        None, description="folder of public benchmarks' items (mmlu_test.jsonl ...); absent: fetched from the Hub"
    )
    instructions: str | None = Field(
        None, description="JSONL file of instructions that both models answer and the `llm` judges, pair by pair"
    )
    limit: int | None = Field(None, ge=1, description="budget: items per task")
    backend: Literal["auto", "transformers", "vllm"] = Field(
        "auto", description="where models run; auto is vLLM where it is installed and there is a GPU"
    )
    batch_size: int = Field(8, ge=1, description="items in one forward pass (transformers)")


class GateConfig(Section):
    registered_model: str = Field("entp-sft", description="name in the MLflow model registry")
    alias: str = Field("champion", description="alias that the promoted version carries")
    noise_multiple: float = Field(
        1.96, ge=0, description="standard errors of the difference that a gain must exceed to count"
    )
    min_gain: float = Field(
        0.0, ge=0, description="mean gain over tasks that is worth a promotion; it must be exceeded beyond the noise"
    )
    max_regression: float = Field(
        1.96, ge=0, description="standard errors any single task may fall before the model is refused"
    )
    hold: bool = Field(False, description="decide only; a later step promotes (approval in a Kubeflow pipeline)")


class AcquireConfig(Section):
    """How `entp acquire` makes instruction rows of documents and pages. No stage reads it."""

    max_pages: int = Field(1_000, ge=1, description="budget: fetch at most this many addresses of a list")
    max_bytes: int = Field(20_000_000, ge=1, description="larger pages and documents are left out")
    delay_seconds: float = operational(
        1.0, "pause between requests to a host; a longer Crawl-delay of its robots.txt goes before it", ge=0
    )
    timeout_seconds: float = operational(30.0, "time allowed for one page", gt=0)
    passage_min_characters: int = Field(200, ge=1, description="a section goes on until it has this many")
    passage_max_characters: int = Field(1_500, ge=50, description="longer sections are cut")
    max_passages: int | None = Field(
        None, ge=1, description="budget: write pairs from at most this many passages (a fixed random subset)"
    )
    styles: list[AcquireStyle] = Field(
        ["question_answer", "easy", "medium", "hard", "conversation", "synthesise"],
        description="what the writer makes of each passage, one request each; [] asks no model",
    )
    questions_per_passage: int = Field(3, ge=1, le=20, description="pairs asked for by question_answer")
    temperature: float = Field(0.4, ge=0, le=2, description="sampling temperature of the writer")
    max_reply_tokens: int = Field(768, ge=16, description="longest reply of the writer")

    @model_validator(mode="after")
    def _passages_have_a_range(self) -> AcquireConfig:
        if self.passage_min_characters > self.passage_max_characters:
            raise ValueError(
                f"passage_min_characters must not be above passage_max_characters={self.passage_max_characters}"
            )
        if len(set(self.styles)) < len(self.styles):
            raise ValueError("a style is named twice in styles")
        return self


class TrackConfig(Section):
    uri: str | None = operational(
        None,
        "MLflow tracking URI, or `none`; when absent MLFLOW_TRACKING_URI, else a SQLite file beside the output folder",
    )
    experiment: str = operational("entp", "MLflow experiment; MLFLOW_EXPERIMENT_ID goes before it")
    run_name: str | None = operational(None, "MLflow run name; the output folder's when absent")
    traces: int = operational(50, "pairs whose operators MLflow shows as spans; a sample of a larger run", ge=0)


class Config(Section):
    """The whole configuration; `params.yaml` has the same shape."""

    seed: int = Field(42, ge=0, description="seed of everything that samples")
    ingest: IngestConfig = IngestConfig()
    purge: PurgeConfig = PurgeConfig()
    llm: LLMConfig = LLMConfig()
    embed: EmbedConfig = EmbedConfig()
    rate: RateConfig = RateConfig()
    curate: CurateConfig = CurateConfig()
    pair: PairConfig = PairConfig()
    mix: MixConfig = MixConfig()
    loss: LossConfig = LossConfig()
    audit: AuditConfig = AuditConfig()
    assemble: AssembleConfig = AssembleConfig()
    train: TrainConfig = TrainConfig()
    evaluate: EvaluateConfig = EvaluateConfig()
    gate: GateConfig = GateConfig()
    acquire: AcquireConfig = AcquireConfig()
    track: TrackConfig = TrackConfig()

    @model_validator(mode="after")
    def _something_steers(self) -> Config:
        judged = self.loss.judged_incomplete and self.loss.answer_judged_incomplete
        if not self.mix.symbolic_loss and not judged:
            raise ValueError(
                "mix.symbolic_loss=false leaves the steering to the judge, so loss.judged_incomplete and "
                "loss.answer_judged_incomplete must be above 0"
            )
        return self

    def digestible(self, sections: Iterable[str]) -> dict[str, Any]:
        """The named sections without their operational fields: what a stage's result depends on."""
        chosen: dict[str, Any] = {}
        for name in sections:
            value = getattr(self, name)
            chosen[name] = _result_fields(value) if isinstance(value, Section) else value
        return chosen


def _result_fields(section: Section) -> dict[str, Any]:
    skipped = {
        name
        for name, field in type(section).model_fields.items()
        if isinstance(field.json_schema_extra, dict) and field.json_schema_extra.get(OPERATIONAL)
    }
    return section.model_dump(mode="json", exclude=skipped)
