import numpy as np
import pytest
from PIL import Image
from pydantic import TypeAdapter, ValidationError

from signseg_protocols.references import ReferenceChoice
from signseg_rig.errors import ConfigError
from signseg_rig.testing.protocols import GENERATOR, toy_context


def references(**table):
    return TypeAdapter(ReferenceChoice).validate_python(table)


def test_a_folder_gives_its_images(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (2, 5, 5, 3), dtype=np.uint8)
    for name, image in zip(["b.png", "a.png"], pixels, strict=True):
        Image.fromarray(image).save(tmp_path / name)
    first, second = references(kind="folder", path=tmp_path).stimuli(toy_context())
    assert (first.label, second.label) == ("a.png", "b.png")
    assert (first.index, second.index) == (0, 1)
    assert {first.role, second.role} == {"reference"}
    assert {first.generation, second.generation} == {-1}
    np.testing.assert_array_equal(first.image, pixels[1])
    np.testing.assert_array_equal(second.image, pixels[0])


def test_what_a_folder_leaves_out_is_a_warning(tmp_path):
    Image.fromarray(np.zeros((5, 5, 3), np.uint8)).save(tmp_path / "a.png")
    assert references(kind="folder", path=tmp_path).misfits([]) == []
    (tmp_path / "b.gif").write_bytes(b"GIF89a")
    (problem,) = references(kind="folder", path=tmp_path).misfits([])
    assert problem.severity == "warning"
    assert "1 files of the format .gif: 'b.gif'" in problem.message


def test_random_codes_are_drawn_from_the_generator():
    context = toy_context(seed=4)
    stimuli = references(kind="random_codes", generator=GENERATOR).stimuli(context)
    codes = np.stack([stimulus.code for stimulus in stimuli])
    assert codes.shape == (10, context.generators[GENERATOR].n_dims)
    assert len(np.unique(codes)) == codes.size
    assert {stimulus.generator for stimulus in stimuli} == {GENERATOR}
    assert [stimulus.index for stimulus in stimuli] == list(range(10))


def test_random_codes_depend_on_the_seed_alone():
    def contents(seed: int) -> list[str]:
        choice = references(kind="random_codes", generator=GENERATOR)
        return [item.content_sha256() for item in choice.stimuli(toy_context(seed))]

    assert contents(1) == contents(1)
    assert not set(contents(1)) & set(contents(2))


def test_an_unknown_generator_is_named():
    choice = references(kind="random_codes", generator="toi")
    with pytest.raises(ConfigError, match=r"'toi'. Did you mean 'toy'\?"):
        choice.stimuli(toy_context())


@pytest.mark.parametrize(
    "table",
    [
        {"kind": "folder"},
        {"kind": "folder", "path": "images", "n_images": 0},
        {"kind": "random_codes", "generator": GENERATOR, "n_codes": 0},
        {"kind": "random_codes", "generator": GENERATOR, "path": "images"},
        {"path": "images"},
    ],
)
def test_refuses_settings_without_meaning(table):
    with pytest.raises(ValidationError):
        references(**table)
