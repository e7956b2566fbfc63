"""Every example in a docstring gives what it says."""

import doctest
import importlib
from pathlib import Path

import numpy as np
import pytest

import signseg_rig

ROOT = Path(signseg_rig.__file__).parent
MODULES = [
    ".".join(("signseg_rig", *path.relative_to(ROOT).with_suffix("").parts))
    for path in sorted(ROOT.rglob("*.py"))
    if ">>> " in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_give_what_they_say(name: str) -> None:
    module = importlib.import_module(name.removesuffix(".__init__"))
    failed, tried = doctest.testmod(module, extraglobs={"np": np})
    assert tried
    assert not failed
