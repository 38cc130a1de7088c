"""The report: one self-contained HTML page, `summary.json`, and CSV files that DVC plots."""

from entp.report.summary import evaluation_rows, read_summary
from entp.report.write import write_report

__all__ = ["evaluation_rows", "read_summary", "write_report"]
