"""The report of a run: one self-contained HTML page and its figures."""

from signseg_rig.report.page import write_report

__all__ = ["write_report"]
