"""Reports: self-contained HTML pages with their figures."""

from signseg_rig.report.ablation_page import write_ablation_report
from signseg_rig.report.choice_page import write_choice_report
from signseg_rig.report.dale_page import write_dale_report
from signseg_rig.report.fit_page import write_fit_report
from signseg_rig.report.run_page import write_report
from signseg_rig.report.sweep_page import write_sweep_report
from signseg_rig.report.sweeps_page import compare_sweeps, write_sweeps_report

__all__ = [
    "compare_sweeps",
    "write_ablation_report",
    "write_choice_report",
    "write_dale_report",
    "write_fit_report",
    "write_report",
    "write_sweep_report",
    "write_sweeps_report",
]
