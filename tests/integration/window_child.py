"""Open a window in a process of its own and do what the lines on standard input say.

Every line is a JSON object with a key ``do``; every answer is one JSON line. An OpenGL context and
PsychoPy's globals stay in this process, away from the tests.
"""

import json
import sys
from typing import Any

import numpy as np

from signseg_rig.display.psychopy_window import PsychopyDisplay, PsychopySettings
from signseg_rig.errors import DisplayError
from signseg_rig.experiment import MonitorSettings, StimulusSettings
from signseg_rig.values import Placement


class Child:
    def __init__(self) -> None:
        self.display: PsychopyDisplay | None = None
        self.placement = Placement()

    def answer(self, order: dict[str, Any]) -> dict[str, Any]:
        try:
            return getattr(self, order.pop("do"))(**order) or {}
        except DisplayError as error:
            return {"error": str(error)}

    def open(self, monitor: dict[str, Any], stimulus: dict[str, Any]) -> dict[str, Any]:
        self.close()
        display = PsychopyDisplay(
            PsychopySettings(),
            MonitorSettings.model_validate(monitor),
            StimulusSettings.model_validate(stimulus),
        )
        display.open()
        self.display = display
        self.placement = display._layout.placement
        return {
            "window": display._window.winHandle._window,
            "notes": display.notes,
            "is_software_paced": display.is_software_paced,
        }

    def load(self, key: str, path: str) -> None:
        assert self.display is not None
        self.display.load(key, np.load(path), self.placement)

    def unload(self, key: str) -> None:
        assert self.display is not None
        self.display.unload(key)

    def draw(self, key: str | None) -> dict[str, Any]:
        assert self.display is not None
        self.display.draw(key)
        return {"flip_s": self.display.flip(), "now_s": self.display.now_s()}

    def keys(self) -> dict[str, Any]:
        assert self.display is not None
        return {"names": self.display.pressed_keys()}

    def close(self) -> None:
        if self.display is not None:
            self.display.close()
        self.display = None


child = Child()
for line in sys.stdin:
    sys.stdout.write(json.dumps(child.answer(json.loads(line))) + "\n")
    sys.stdout.flush()
child.close()
