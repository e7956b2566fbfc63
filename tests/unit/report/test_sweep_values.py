"""What a sweep's report shows beside the curves: ceiling, floor, noise, and further controls."""

import re
from pathlib import Path

import numpy as np
import pytest

from signseg_rig.report import write_sweep_report
from signseg_rig.report.sweep_figures import draw_changes
from signseg_rig.report.sweep_values import value_tables
from signseg_rig.sweeps import (
    Condition,
    Number,
    SweepImages,
    SweepStudy,
    Table,
    conditions,
    read_sweep,
)

SWEEP = """\
name = "shown"
out_dir = "{out_dir}"
units = ["wig", "tench", "daisy"]
strengths = [0.5, 1.0]
control_strengths = [0.5]
n_repeats = {n_repeats}
network = {{ kind = "efficientnet_lite0" }}
generator = {{ kind = "dcgan_faces" }}
optimizer = {{ kind = "cma_es" }}
"""
BOTH = Condition("both", 0.5, "both_signs")
LEVELS = {
    "reached_activation": 20.0,
    "intact_response": 18.0,
    "n_removed": 1280.0,
    "realized_strength": 0.5,
    "removed_magnitude": 7.5,
    "alike.centered.across.a": 0.5,
    "alike.centered.within_intact.a": 0.5,
    "alike.centered.random.a": 0.1,
    "alike.centered.across.mean": 0.5,
    "alike.centered.within_intact.mean": 0.5,
    "alike.centered.random.mean": 0.1,
    "objects.score": 0.7,
    "objects.detection_rate": 0.9,
    "objects.score.white_noise": 0.2,
    "objects.detection_rate.white_noise": 0.3,
    "objects.n_images": 2.0,
    "bands.low_share": 0.6,
    "bands.high_share": 0.2,
}
CHANGE = {"positive": -0.3, "negative": 0.05, "both": -0.15, "intact": 0.0}


def study_in(folder: Path, *, n_repeats: int = 2, is_compared: bool = True) -> SweepStudy:
    (folder / "shown").mkdir()
    file = folder / "shown" / "sweep.toml"
    file.write_text(SWEEP.format(out_dir=folder, n_repeats=n_repeats))
    settings = read_sweep(file)
    own = [*conditions(settings), BOTH]
    rng = np.random.default_rng(0)
    numbers = [
        Number(unit, one, None, measure, level * factor(one, measure) + 0.01 * rng.normal())
        for measure, level in LEVELS.items()
        for one in own
        for unit in settings.units
    ]
    if not is_compared:
        numbers.extend(
            Number(unit, one, None, "looks.across", np.nan)
            for one in own
            for unit in settings.units
        )
    table = Table(numbers)
    return SweepStudy(
        images=SweepImages(
            settings,
            {(unit, one): [None] * n_repeats for one in own for unit in settings.units},
        ),
        network={"kind": "efficientnet_lite0"},
        numbers=numbers,
        described={},
        table=table,
        comparisons=[one for measure in table.measures for one in table.comparisons(measure)],
    )


def factor(condition: Condition, measure: str) -> float:
    if not any(word in measure for word in ("across", "score", "reached")) or "noise" in measure:
        return 1.0
    share = 0.2 if condition.control in ("number", "magnitude") else 1.0
    return 1 + share * CHANGE[condition.sign] * condition.strength


def test_tables_put_values_beside_what_they_are_judged_by(tmp_path):
    tables = {one.title: one for one in value_tables(study_in(tmp_path).table)}
    assert {title: one.columns for title, one in tables.items()} == {
        "activations": (
            "reached activation",
            "intact response",
            "n removed",
            "realized strength",
            "removed magnitude",
        ),
        "alike.centered": ("across", "within intact", "random"),
        "objects.score": ("score", "white noise"),
        "objects.detection_rate": ("detection rate", "white noise"),
        "bands": ("low share", "high share"),
    }
    rows = dict(tables["objects.score"].rows)
    assert next(iter(rows)) == Condition()
    assert len(rows) == 8
    assert rows[Condition()] == pytest.approx((0.7, 0.2), abs=0.03)
    assert rows[Condition("positive", 1.0)] == pytest.approx((0.49, 0.2), abs=0.03)


def test_what_an_ablation_was_is_not_tested(tmp_path):
    study = study_in(tmp_path)
    tested = {one.measure for one in study.comparisons}
    by_design = {"alike.centered.within_intact", "alike.centered.random"}
    what_was_done = {"n_removed", "realized_strength", "removed_magnitude", "objects.n_images"}
    assert tested == set(LEVELS) - what_was_done - {
        f"{measure}.{judge}" for measure in by_design for judge in ("a", "mean")
    }


def test_page_has_intact_rows_and_every_control(tmp_path):
    page = write_sweep_report(study_in(tmp_path)).read_text(encoding="utf-8")
    text = " ".join(re.sub("<[^>]*>", " ", page).split())
    assert "objects.score 7 tests positive 0.5 removed intact" in text
    assert "objects.score 2 tests positive 0.5 removed random, number of positive 0.5" in text
    assert "both signs 0.5 removed" in text
    assert "condition reached activation intact response n removed realized strength" in text
    assert "18 1280 0.5" in text
    assert "condition across within intact random" in text
    assert "bands.high_share" in text
    assert "Nothing is compared" not in text


def test_page_warns_of_units_that_nothing_independent_is_known_of(tmp_path):
    study = study_in(tmp_path, n_repeats=1, is_compared=False)
    text = " ".join(write_sweep_report(study).read_text(encoding="utf-8").split())
    assert "1 repeat;" in text
    assert "Nothing is compared with the intact images of wig, tench, daisy" in text


def test_figure_shows_bands_of_controls_of_any_kind_and_chance(tmp_path):
    study = study_in(tmp_path)
    drawn = [one for one in study.comparisons if one.measure == "objects.score"]
    axis = draw_changes(drawn, study.table).axes[0]
    labels = [one.get_label() for one in axis.containers]
    assert labels == ["random, number of positive", "random, number of negative", "both signs"]
    for container in axis.containers:
        _, _, (bars,) = container
        (((_, low), (_, high)),) = bars.get_segments()
        assert low < high
    assert [one.get_text() for one in axis.texts] == ["white noise"]
    assert axis.texts[0].get_position()[1] == pytest.approx(-0.5, abs=0.03)
