"""What data sets and networks answer: fits, what ablated models choose, signs of weights."""

from signseg_rig.studies.choices import ChoiceStudy, read_choice_settings, study_choices
from signseg_rig.studies.dale import (
    AccuracyCorrelation,
    DaleSettings,
    Direction,
    LayerIndex,
    by_channel,
    correlate_with_accuracy,
    network_excess,
    read_survey,
    survey_networks,
)
from signseg_rig.studies.fit_notes import fit_notes
from signseg_rig.studies.fits import FitSettings, NeuronFit, fit_recorded
from signseg_rig.studies.runs import is_run, read_runs

__all__ = [
    "AccuracyCorrelation",
    "ChoiceStudy",
    "DaleSettings",
    "Direction",
    "FitSettings",
    "LayerIndex",
    "NeuronFit",
    "by_channel",
    "correlate_with_accuracy",
    "fit_notes",
    "fit_recorded",
    "is_run",
    "network_excess",
    "read_choice_settings",
    "read_runs",
    "read_survey",
    "study_choices",
    "survey_networks",
]
