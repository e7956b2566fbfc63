"""Blocks: ids and order that replay, pixels that are rendered once."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from signseg_rig.errors import ConfigError, ReplayMismatchError, ResponseError
from signseg_rig.run.blocks import Block, BlockMaker, check_replay, check_units
from signseg_rig.run.pixels import PixelStore
from signseg_rig.testing.synthetic import LinearGenerator, LinearGeneratorSettings
from signseg_rig.values import (
    Durations,
    FloatArray,
    ImageArray,
    InvalidReason,
    PassPlan,
    Placement,
    ResponseBatch,
    Stimulus,
    StimulusBatch,
    array_sha256,
)


class CountingGenerator(LinearGenerator):
    """Counts how many codes it rendered."""

    n_rendered = 0

    def render(self, codes: FloatArray) -> ImageArray:
        self.n_rendered += len(codes)
        return super().render(codes)


def batch_of(generation: int, *, n_evolved: int = 4, n_showings: int = 1) -> StimulusBatch:
    rng = np.random.default_rng(generation)
    evolved = [
        Stimulus("evolved", "a", generation, index, "linear", rng.standard_normal(5))
        for index in range(n_evolved)
    ]
    codes = np.random.default_rng(99).standard_normal((2, 5))
    references = [
        Stimulus("reference", "references", -1, index, "linear", code)
        for index, code in enumerate(codes)
    ]
    picture = Stimulus("reference", "pictures", -1, 0, image=np.full((6, 6, 3), 7, np.uint8))
    return StimulusBatch((*evolved, *references, picture), n_showings)


@pytest.fixture
def generator() -> CountingGenerator:
    return CountingGenerator(LinearGeneratorSettings(n_dims=5, image_size_px=8))


def make_maker(
    linear: LinearGenerator | None = None, *, seed: int = 3, **others: LinearGenerator
) -> BlockMaker:
    generators = others if linear is None else {"linear": linear, **others}
    return BlockMaker(
        seed=seed,
        generators=generators,
        pixels=PixelStore(),
        placement=Placement(),
        durations=Durations(100.0, 100.0),
    )


@pytest.fixture
def maker(generator: CountingGenerator) -> BlockMaker:
    return make_maker(generator)


def responses_to(plan: PassPlan, invalid: set[int]) -> ResponseBatch:
    n = len(plan.presentations)
    return ResponseBatch(
        presentation_ids=tuple(item.id for item in plan.presentations),
        stimulus_index=np.array([item.stimulus_index for item in plan.presentations]),
        evoked_hz=np.ones((n, 1)),
        baseline_hz=np.zeros((n, 1)),
        reasons=tuple(
            InvalidReason.FIXATION_BROKEN if item.stimulus_index in invalid else None
            for item in plan.presentations
        ),
        unit_names=("u",),
    )


def test_every_stimulus_is_shown_as_often_as_asked(maker: BlockMaker) -> None:
    plan = maker.make(0, batch_of(0, n_showings=3), None).first_pass()
    assert Counter(item.stimulus_index for item in plan.presentations) == dict.fromkeys(range(7), 3)
    assert len({item.id for item in plan.presentations}) == 21


def test_order_is_random_and_the_same_again(maker: BlockMaker) -> None:
    plans = [maker.make(number, batch_of(0), None).first_pass() for number in (0, 1, 0)]
    orders = [[item.stimulus_index for item in plan.presentations] for plan in plans]
    assert orders[0] == orders[2]
    assert orders[0] != orders[1]
    assert orders[0] != sorted(orders[0])


def test_pixels_are_those_of_the_generator(maker: BlockMaker, generator: LinearGenerator) -> None:
    batch = batch_of(0)
    block = maker.make(0, batch, None)
    for stimulus, planned in zip(batch.stimuli, block.stimuli, strict=True):
        if stimulus.code is not None:
            expected = generator.render(stimulus.code[None])[0]
            assert np.array_equal(maker._pixels(planned.pixels_sha256), expected)
            assert planned.pixels_sha256 == array_sha256(expected)
            assert planned.content_sha256 == array_sha256(stimulus.code)


def test_images_of_equal_bytes_and_other_shapes_are_two(maker: BlockMaker) -> None:
    shapes = [(40, 160, 3), (80, 80, 3), (160, 40, 3)]
    stimuli = tuple(
        Stimulus("reference", "grays", -1, index, image=np.full(shape, 128, np.uint8))
        for index, shape in enumerate(shapes)
    )
    block = maker.make(0, StimulusBatch(stimuli), None)
    images = maker.images(block)
    for planned, shape in zip(block.stimuli, shapes, strict=True):
        assert images[planned.pixels_sha256].shape == shape


def test_references_are_rendered_once(maker: BlockMaker, generator: CountingGenerator) -> None:
    for number in range(3):
        maker.make(number, batch_of(number), None)
    assert generator.n_rendered == 3 * 4 + 2


def test_recalled_block_is_rendered_only_when_it_is_shown(generator: CountingGenerator) -> None:
    recorded = make_maker(generator).make(0, batch_of(0), None)
    generator.n_rendered = 0
    maker = make_maker(generator)
    block = maker.make(0, batch_of(0), recorded.first_pass())
    assert generator.n_rendered == 0
    assert block.first_pass() == recorded.first_pass()
    assert len(maker.images(block)) == 7
    assert generator.n_rendered == 6


def test_one_code_given_to_two_generators_gives_two_images(generator: CountingGenerator) -> None:
    other = LinearGenerator(LinearGeneratorSettings(n_dims=5, image_size_px=8, seed=1))
    maker = make_maker(generator, other=other)
    code = np.linspace(-1, 1, 5)
    stimuli = tuple(
        Stimulus("reference", "references", -1, index, name, code)
        for index, name in enumerate(("linear", "other"))
    )
    expected = [array_sha256(one.render(code[None])[0]) for one in (generator, other)]
    for number in range(2):  # the second block takes its references from the first
        block = maker.make(number, StimulusBatch(stimuli), None)
        assert [stimulus.pixels_sha256 for stimulus in block.stimuli] == expected


def test_file_that_changed_is_not_laid_to_the_libraries(maker: BlockMaker) -> None:
    plan = maker.make(0, batch_of(0), None).first_pass()
    *others, picture = plan.stimuli
    other = replace(picture, content_sha256="0" * 64, label="face.png")
    recorded = replace(plan, stimuli=(*others, other))
    with pytest.raises(ReplayMismatchError, match=r"'face.png'.*Put the files of images back"):
        check_replay(plan, recorded)


def test_responses_to_other_presentations_are_refused(maker: BlockMaker) -> None:
    plan = maker.make(0, batch_of(0), None).first_pass()
    responses = responses_to(plan, set())
    check_units(plan, responses, ("u",))
    responses.stimulus_index[0] = 99
    with pytest.raises(ReplayMismatchError, match="other presentations than were planned"):
        check_units(plan, responses, ("u",))


def test_memory_holds_a_few_blocks_only(maker: BlockMaker) -> None:
    keys = [
        maker.make(number, batch_of(number), None).stimuli[0].pixels_sha256 for number in range(5)
    ]
    maker._pixels(keys[-1])
    with pytest.raises(ResponseError, match="none of this block's"):
        maker._pixels(keys[0])


def test_invalid_presentations_come_again_with_ids_of_their_own(maker: BlockMaker) -> None:
    block = maker.make(0, batch_of(0, n_showings=2), None)
    plan = block.first_pass()
    again = block.next_pass(plan, responses_to(plan, {1, 4}))
    assert again is not None
    assert sorted(item.stimulus_index for item in again.presentations) == [1, 1, 4, 4]
    assert {item.attempt for item in again.presentations} == {1}
    assert not {item.id for item in again.presentations} & {item.id for item in plan.presentations}
    assert block.next_pass(again, responses_to(again, set())) is None


def test_other_code_than_recorded_is_a_mismatch(maker: BlockMaker) -> None:
    plan = maker.make(0, batch_of(0), None).first_pass()
    other = maker.make(0, batch_of(1), None).first_pass()
    check_replay(plan, plan)
    with pytest.raises(ReplayMismatchError, match="asks for another code"):
        check_replay(other, plan)
    with pytest.raises(ReplayMismatchError, match="order"):
        check_replay(replace(plan, presentations=plan.presentations[::-1]), plan)
    with pytest.raises(ReplayMismatchError, match="asks for 8 stimuli; the record says 7"):
        maker.make(0, batch_of(0, n_evolved=5), plan)


def test_other_pixels_than_recorded_are_a_mismatch(maker: BlockMaker) -> None:
    plan = maker.make(0, batch_of(0), None).first_pass()
    other = LinearGenerator(LinearGeneratorSettings(n_dims=5, image_size_px=8, seed=1))
    changed = make_maker(other)
    with pytest.raises(ReplayMismatchError, match="other pixels"):
        changed.images(changed.make(0, batch_of(0), plan))


def test_unknown_generator_is_a_sentence() -> None:
    with pytest.raises(ConfigError, match=r"\[generators.linear\]"):
        make_maker().make(0, batch_of(0), None)


def test_codes_are_stacked_by_generator(maker: BlockMaker) -> None:
    batch = batch_of(0)
    codes = Block(0, batch, (), Durations(100.0, 100.0), 0).codes()
    assert list(codes) == ["linear"]
    expected = np.stack([item.code for item in batch.stimuli if item.code is not None])
    assert np.array_equal(codes["linear"], expected)


def test_passes_are_joined_row_by_row(maker: BlockMaker) -> None:
    block = maker.make(0, batch_of(0), None)
    first = block.first_pass()
    answer = responses_to(first, {2})
    second = block.next_pass(first, answer)
    assert second is not None
    whole = ResponseBatch.joined([answer, responses_to(second, set())])
    assert len(whole.presentation_ids) == 8
    assert whole.is_valid.sum() == 7
    means = whole.stimulus_means(7, subtract_baseline=True)
    assert np.array_equal(means, np.ones((7, 1)))
