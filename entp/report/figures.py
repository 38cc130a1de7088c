"""Figures as matplotlib draws them, each from plain data; no state, no pyplot."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from entp.report.summary import EvaluationRow, RaterRow

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#1d2733"
MUTED = "#7a8694"
ACCENT = "#1f6f8b"
SECOND = "#d97b29"
FATE_COLOURS = {
    "HQ": "#1f6f8b",
    "LQ": "#d97b29",
    "undecided": "#b8bfc7",
    "purged": "#8c3b3b",
    "duplicates": "#c38d8d",
    "quarantined": "#4a4a4a",
    "waiting": "#e6e6e6",
}


def svg(figure: Figure) -> str:
    """The figure as an inline `<svg>` element; the same data gives the same text."""
    import matplotlib

    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "entp", "svg.fonttype": "none"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None}, bbox_inches="tight", transparent=True)
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def funnel_by_source(rows: Sequence[dict[str, Any]]) -> Figure:
    """Stacked bars: the share of each source's rows that met each fate."""
    figure, axes = _figure(7.2, 0.9 + 0.34 * len(rows))
    left = np.zeros(len(rows))
    names = [row["source"] for row in rows]
    totals = np.array([max(row["ingested"], 1) for row in rows])
    for fate, colour in FATE_COLOURS.items():
        share = np.array([row[fate] for row in rows]) / totals
        if share.any():
            axes.barh(names, share, left=left, color=colour, label=fate, height=0.72)
        left = left + share
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    for position, row in enumerate(rows):
        axes.text(1.01, position, f"{row['ingested']:,}", va="center", color=MUTED, fontsize=8)
    axes.legend(ncols=6, loc="lower left", bbox_to_anchor=(0, 1.0), frameon=False, fontsize=8, handlelength=1)
    return figure


def reasons(counts: Sequence[tuple[str, int]], colour: str = ACCENT) -> Figure:
    """Horizontal bars of how often each reason occurred, the commonest first."""
    figure, axes = _figure(5.4, 0.6 + 0.26 * len(counts))
    axes.barh([name for name, _ in counts], [count for _, count in counts], color=colour, height=0.7)
    axes.invert_yaxis()
    for position, (_, count) in enumerate(counts):
        axes.text(count, position, f" {count:,}", va="center", color=MUTED, fontsize=8)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    return figure


def rule_histograms(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """A small histogram per rule (rows of `entp.records.RULES`) on a logarithmic scale, its limit as a line."""
    from matplotlib.figure import Figure

    columns = 4
    lines = -(-len(rows) // columns)
    figure = Figure(figsize=(9.6, 1.55 * lines))
    for place, row in enumerate(rows):
        axes = figure.add_subplot(lines, columns, place + 1)
        _style(axes)
        edges, counts = np.array(row["edges"]), np.array(row["counts"])
        axes.bar(edges[:-1], counts, width=np.diff(edges), align="edge", color=ACCENT)
        axes.set_yscale("symlog", linthresh=1)
        axes.axvline(row["limit"], color=SECOND, linewidth=1.2)
        axes.set_title(row["reason"].replace("_", " "), fontsize=8, color=INK, loc="left")
        axes.set_yticks([])
        axes.tick_params(labelsize=7)
    figure.tight_layout()
    return figure


def transition_heat_map(matrix: np.ndarray[Any, Any], half_widths: np.ndarray[Any, Any]) -> Figure:
    """P(observed score | true score), and half the width of its interval (NaN: none); rows are the true score."""
    figure, axes = _figure(4.6, 4.2)
    _draw_matrix(axes, matrix)
    for (row, column), value in np.ndenumerate(matrix):
        known = not np.isnan(half_widths[row, column])
        text = f"{value:.2f}\n±{half_widths[row, column]:.2f}" if known else f"{value:.2f}"
        colour = "white" if value > 0.55 else INK
        axes.text(column, row, text, ha="center", va="center", fontsize=7, color=colour)
    axes.set_xlabel("score the rater gave")
    axes.set_ylabel("true score (estimated)")
    return figure


def transition_heat_maps(matrices: Mapping[str, np.ndarray[Any, Any]]) -> Figure:
    """The matrices of several sources side by side, without numbers."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2.1 * len(matrices), 2.3))
    for axes, (source, matrix) in zip(
        figure.subplots(1, len(matrices), squeeze=False)[0], matrices.items(), strict=True
    ):
        _draw_matrix(axes, matrix)
        axes.tick_params(labelsize=7, colors=INK, length=0)
        axes.set_title(source, fontsize=8, color=INK)
    return figure


def reliability_diagram(predicted: Sequence[float], observed: Sequence[float], forecasts: Sequence[int]) -> Figure:
    """How often forecasts of a rating came true; on the diagonal they hold what they promise. Size is their number."""
    figure, axes = _figure(3.8, 3.6)
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8)
    sizes = 20 + 160 * np.sqrt(np.asarray(forecasts) / max(forecasts))
    axes.scatter(predicted, observed, s=sizes, color=ACCENT, alpha=0.8, linewidths=0)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_xlabel("predicted from the neighbours")
    axes.set_ylabel("came true")
    return figure


def _draw_matrix(axes: Axes, matrix: np.ndarray[Any, Any]) -> None:
    axes.imshow(matrix, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(matrix)))
    axes.set_yticks(range(len(matrix)))
    for spine in axes.spines.values():
        spine.set_visible(False)


def score_histograms(raw: Sequence[int], curated: Sequence[int]) -> Figure:
    """Counts per score before and after curation, side by side."""
    figure, axes = _figure(4.6, 3.0)
    scores = np.arange(6)
    axes.bar(scores - 0.2, np.bincount(np.asarray(raw, int), minlength=6), 0.38, color=MUTED, label="as rated")
    axes.bar(scores + 0.2, np.bincount(np.asarray(curated, int), minlength=6), 0.38, color=ACCENT, label="curated")
    axes.set_xlabel("score")
    axes.set_ylabel("samples")
    axes.legend(frameon=False, fontsize=8)
    return figure


def scores_by_rater(rows: Sequence[RaterRow]) -> Figure:
    """Share of each score, a group of bars per score and a bar per rater."""
    figure, axes = _figure(1.6 + 0.8 * max(len(rows), 4), 3.0)
    scores = np.arange(6)
    width = 0.8 / len(rows)
    for place, row in enumerate(rows):
        share = np.array(row.counts) / max(sum(row.counts), 1)
        axes.bar(scores - 0.4 + (place + 0.5) * width, share, width, color=f"C{place}", label=row.rater)
    axes.set_xlabel("score")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.legend(frameon=False, fontsize=8)
    return figure


def cluster_map(x: Sequence[float], y: Sequence[float], cluster: Sequence[int], chosen: Sequence[bool]) -> Figure:
    """Low-quality samples in two principal components of their embeddings; representatives are ringed."""
    figure, axes = _figure(4.8, 4.0)
    axes.scatter(x, y, c=np.asarray(cluster) % 20, cmap="tab20", s=22, linewidths=0)
    ringed = np.asarray(chosen, bool)
    axes.scatter(np.asarray(x)[ringed], np.asarray(y)[ringed], s=64, facecolors="none", edgecolors=INK, linewidths=1)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_xlabel("first principal component")
    axes.set_ylabel("second principal component")
    return figure


def loss_by_iteration(curves: Sequence[Sequence[float]]) -> Figure:
    """Best symbolic loss of every pair after each try (thin), and their mean (thick)."""
    figure, axes = _figure(5.0, 3.2)
    longest = max(len(curve) for curve in curves)
    carried = np.array([[*curve, *[curve[-1]] * (longest - len(curve))] for curve in curves])
    tries = np.arange(1, longest + 1)
    for curve in carried[:60]:
        axes.plot(tries, curve, color=ACCENT, alpha=0.25, linewidth=0.9)
    axes.plot(tries, carried.mean(axis=0), color=SECOND, linewidth=2.4, marker="o", label="mean of all pairs")
    axes.set_xlabel("try")
    axes.set_ylabel("best symbolic loss so far")
    axes.set_xticks(tries)
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False, fontsize=8)
    return figure


def training_curve(steps: Sequence[int], losses: Sequence[float]) -> Figure:
    """Training loss per step, in nats per assistant token."""
    figure, axes = _figure(5.0, 3.0)
    axes.plot(steps, losses, color=ACCENT, linewidth=1.6, marker="o", markersize=3)
    axes.set_xlabel("step")
    axes.set_ylabel("loss (nats per token)")
    return figure


def evaluation_chart(rows: Sequence[EvaluationRow]) -> Figure:
    """Each task's score before and after training, with one standard error."""
    figure, axes = _figure(5.6, 0.8 + 0.5 * len(rows))
    position = np.arange(len(rows))
    before = ([row.before for row in rows], [row.before_stderr for row in rows], MUTED, "before")
    after = ([row.after for row in rows], [row.after_stderr for row in rows], ACCENT, "after")
    for offset, (values, errors, colour, label) in ((-0.14, before), (0.14, after)):
        axes.errorbar(values, position + offset, xerr=errors, fmt="o", color=colour, label=label, capsize=2)
    axes.set_yticks(position, [f"{row.task} ({row.metric})" for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.legend(frameon=False, fontsize=8, loc="lower left", bbox_to_anchor=(0, 1.0), ncols=2)
    return figure


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height))
    axes = figure.subplots()
    _style(axes)
    return figure, axes


def _style(axes: Axes) -> None:
    """Two quiet axes, small dark labels."""
    axes.tick_params(labelsize=8, colors=INK, length=0)
    axes.xaxis.label.set_fontsize(9)
    axes.yaxis.label.set_fontsize(9)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color("#c9d0d8")
