"""Reports: self-contained HTML pages with their figures."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

# Each page is imported when it is asked for: that of a run needs no neuron models, whose imports
# took a quarter of its time.
_PAGES = {
    "compare_sweeps": "sweeps_page",
    "write_ablation_report": "ablation_page",
    "write_choice_report": "choice_page",
    "write_dale_report": "dale_page",
    "write_fit_report": "fit_page",
    "write_report": "run_page",
    "write_sweep_report": "sweep_page",
    "write_sweeps_report": "sweeps_page",
}


def __getattr__(name: str) -> Any:
    if name not in _PAGES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PAGES[name]}"), name)
