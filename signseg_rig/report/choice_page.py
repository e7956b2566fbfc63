"""Write the report of what ablated models choose: tables, a figure and a page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from signseg_rig.neurons import MEANING, Removal, describe_signs
from signseg_rig.report.drawing import new_figure
from signseg_rig.report.html import write_figures, write_page
from signseg_rig.report.tables import write_table
from signseg_rig.studies import ChoiceStudy

COLORS = {"positive": "#c0392b", "negative": "#2471a3"}
DRAWN = {"": "removed", "number": "as many,\nrandom", "magnitude": "as much,\nrandom"}
NEURON_COLUMNS = (
    *("session", "unit", "test_r", "sign", "control", "strength", "intact_sd"),
    *("removed_minus_intact_sd", "signed_features_anyway"),
)
TEST_COLUMNS = (
    *("session", "strength", "a", "b", "n", "difference_sd", "difference_low_sd"),
    *("difference_high_sd", "p_value", "q_value", "rank_biserial", "remark"),
    *("features_below_0", "signed_features_anyway"),
)


def write_choice_report(study: ChoiceStudy) -> Path:
    """Write `report.html`, `tests.csv`, `neurons.csv` and the figure of a study of choices.

    Parameters
    ----------
    study : ChoiceStudy

    Returns
    -------
    report : Path
    """
    folder = study.settings.folder
    write_table(folder / "tests.csv", TEST_COLUMNS, test_rows(study))
    write_table(folder / "neurons.csv", NEURON_COLUMNS, neuron_rows(study))
    write_page(
        "choices.html",
        folder / "report.html",
        name=study.settings.name,
        settings=study.settings,
        described=study.described,
        meaning=MEANING,
        is_anyway=study.signed_features_anyway,
        sessions=[
            (describe_session(study, name), [one for one in study.tests if one.session == name])
            for name in (*study.sessions, "")
            if any(one.session == name for one in study.tests)
        ],
        signs={name: describe_signs(one.signs) for name, one in study.sessions.items()},
        figures=write_figures({"choices": draw_choices(study)}, folder / "figures"),
    )
    return folder / "report.html"


def describe_session(study: ChoiceStudy, name: str) -> str:
    """Return what a table of tests is about: of a session by name, or of all of them (``""``)."""
    settings = study.settings
    if not name:
        return f"All {len(study.sessions)} sessions, by their means over neurons"
    one = study.sessions[name]
    n_counted = int(one.counts.sum())
    return (
        f"Session {name}: {n_counted} of {len(one.unit_ids)} neurons have test r >= "
        f"{settings.min_test_r:g}; {one.choices.n_chosen} images chosen in each of "
        f"{settings.n_folds} folds of {one.n_images} images; features: {study.described}, "
        f"{one.signs.negative_share:.1%} below 0"
    )


def test_rows(study: ChoiceStudy) -> Iterator[tuple[str | int | float | bool, ...]]:
    """Yield the tests in `TEST_COLUMNS`."""
    for one in study.tests:
        own = [study.sessions[one.session]] if one.session else study.sessions.values()
        share = float(np.mean([session.signs.negative_share for session in own]))
        yield (*astuple(one), share, study.signed_features_anyway)


def neuron_rows(study: ChoiceStudy) -> Iterator[tuple[str | int | float | bool, ...]]:
    """Yield what each neuron answered to the images that each model chose, in `NEURON_COLUMNS`."""
    for name, session in study.sessions.items():
        units = np.flatnonzero(session.counts)
        for removal, values in session.choices.removed.items():
            for unit, intact, value in zip(units, session.choices.intact, values, strict=True):
                yield (
                    *(name, session.unit_ids[unit], float(session.test_r[unit])),
                    *(*removal, float(intact), float(value), study.signed_features_anyway),
                )


def draw_choices(study: ChoiceStudy) -> Figure:
    """Draw what neurons answered to the chosen images, against the strength or for each session.

    A column for each session: dots are neurons, bars their means; red without positive weights,
    blue without negative ones, and beside each its matched random weights.
    """
    names = list(study.sessions)
    strengths = study.settings.strengths
    figure = new_figure(1 + 3.2 * len(names), 1 + 2.6 * len(strengths))
    axes = figure.subplots(len(strengths), len(names), sharey=True, squeeze=False)
    for row, strength in zip(axes, strengths, strict=True):
        for axis, name in zip(row, names, strict=True):
            _draw_session(axis, study, name, strength)
            axis.set_title(f"{name}, strength {strength:g}", fontsize=9)
        row[0].set_ylabel("response to the chosen images\nless intact model's (SD)", fontsize=9)
    return figure


def _draw_session(axis: Axes, study: ChoiceStudy, name: str, strength: float) -> None:
    removed = study.sessions[name].choices.removed
    places = []
    for index, (sign, color) in enumerate(COLORS.items()):
        for step, control in enumerate(DRAWN):
            values = removed[Removal(sign, control, strength)]  # type: ignore[arg-type]
            known = np.sort(values[np.isfinite(values)])
            place = len(DRAWN) * index + step + 0.5 * index
            places.append(place)
            spread = place + np.linspace(-0.3, 0.3, len(known))
            axis.plot(spread, known, ".", ms=3, color=color, alpha=0.3 if control else 0.7)
            if known.size:
                axis.plot([place - 0.35, place + 0.35], [known.mean()] * 2, "k", lw=1.5)
    axis.axhline(0, lw=0.8, color="#999999")
    labels = [f"{sign}\n{word}" for sign in COLORS for word in DRAWN.values()]
    axis.set_xticks(places, labels, fontsize=6)
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(labelsize=7)
