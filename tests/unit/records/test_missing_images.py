"""A record says which images it lacks of what was answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from signseg_rig.records import RunReader, RunRecord
from signseg_rig.values import ImageArray


@pytest.mark.parametrize("is_answered", [False, True])
def test_images_of_answered_passes_are_missed(
    path: Path,
    create: Callable[[Path], RunRecord],
    block: Any,
    images: dict[str, ImageArray],
    is_answered: bool,
) -> None:
    one = block(0)
    keys = list(images)[: len(one.plan.stimuli)]
    stimuli = tuple(
        replace(stimulus, pixels_sha256=key)
        for stimulus, key in zip(one.plan.stimuli, keys, strict=True)
    )
    with create(path) as record:
        record.planned(replace(one.plan, stimuli=stimuli), one.codes, ())
        record.save_images({key: images[key] for key in keys[:1]})
        if is_answered:
            record.responses(0, 0, one.responses)
        record.restore_images({keys[1]: images[keys[1]]})
    with RunReader.open(path) as reader:
        assert reader.missing_images() == ((keys[2],) if is_answered else ())
        said = " ".join(reader.problems())
        assert ("1 of the images that were shown and answered" in said) == is_answered
