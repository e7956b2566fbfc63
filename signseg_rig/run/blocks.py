"""Blocks: what a protocol asked for, with ids, hashes, pixels and a seeded order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from signseg_rig.errors import ConfigError, ReplayMismatchError
from signseg_rig.interfaces import Generator
from signseg_rig.run.pixels import PixelStore
from signseg_rig.seeds import named_rng
from signseg_rig.values import (
    Durations,
    FloatArray,
    ImageArray,
    Order,
    PassPlan,
    Placement,
    PlannedStimulus,
    Presentation,
    ResponseBatch,
    Stimulus,
    StimulusBatch,
    View,
    array_sha256,
)


class Block:
    """A block that is ready to be shown, or to be compared with its record.

    Parameters
    ----------
    number : int
    batch : StimulusBatch
    stimuli : tuple of PlannedStimulus
    durations : Durations
    seed : int
        Seed of the run; the order of each pass is drawn from it.
    """

    def __init__(
        self,
        number: int,
        batch: StimulusBatch,
        stimuli: tuple[PlannedStimulus, ...],
        durations: Durations,
        seed: int,
    ) -> None:
        self.number = number
        self.batch = batch
        self.stimuli = stimuli
        self.durations = durations
        self._seed = seed

    def first_pass(self) -> PassPlan:
        """Plan to show every stimulus, `n_showings` times each, in random order."""
        return self._plan(
            0,
            [
                Presentation(f"{stimulus.id}-r{showing}-a0", index, stimulus.pixels_sha256)
                for index, stimulus in enumerate(self.stimuli)
                for showing in range(self.batch.n_showings)
            ],
        )

    def next_pass(self, plan: PassPlan, responses: ResponseBatch) -> PassPlan | None:
        """Plan to show again what was invalid; None where nothing was."""
        attempt = plan.attempt + 1
        invalid = {
            identity
            for identity, is_valid in zip(
                responses.presentation_ids, responses.is_valid, strict=True
            )
            if not is_valid
        }
        again = [
            replace(item, id=f"{item.id.rpartition('-a')[0]}-a{attempt}", attempt=attempt)
            for item in plan.presentations
            if item.id in invalid
        ]
        return self._plan(attempt, again) if again else None

    def codes(self) -> dict[str, FloatArray]:
        """Stack the codes of each generator, in the order of the stimuli."""
        by_generator: dict[str, list[FloatArray]] = {}
        for stimulus in self.batch.stimuli:
            if stimulus.generator is not None and stimulus.code is not None:
                by_generator.setdefault(stimulus.generator, []).append(stimulus.code)
        return {name: np.stack(codes) for name, codes in by_generator.items()}

    def _plan(self, attempt: int, presentations: list[Presentation]) -> PassPlan:
        rng = named_rng(self._seed, "order", self.number, attempt)
        order = rng.permutation(len(presentations))
        shuffled = tuple(presentations[position] for position in order)
        return PassPlan(self.number, attempt, self.stimuli, shuffled, self.durations)


class BlockMaker:
    """Makes blocks of what protocols ask for.

    Parameters
    ----------
    seed : int
    generators : mapping of name to Generator
    pixels : PixelStore
        Where rendered images are kept.
    placement, durations : Placement, Durations
        Of what a protocol leaves to the experiment file.
    """

    def __init__(
        self,
        *,
        seed: int,
        generators: Mapping[str, Generator],
        pixels: PixelStore,
        placement: Placement,
        durations: Durations,
    ) -> None:
        self._seed = seed
        self._generators = generators
        self._pixels = pixels
        self._placement = placement
        self._durations = durations
        self._key_of_content: dict[tuple[str | None, str], str] = {}

    def make(self, number: int, batch: StimulusBatch, recorded: PassPlan | None) -> Block:
        """Give a batch its ids and hashes.

        Parameters
        ----------
        number : int
        batch : StimulusBatch
        recorded : PassPlan or None
            The block's plan in the record: then it is not rendered until its pixels are needed.

        Raises
        ------
        ReplayMismatchError
            The protocol asks for other stimuli than were recorded.
        """
        contents = [stimulus.content_sha256() for stimulus in batch.stimuli]
        if recorded is None:
            keys = self._render(batch, contents)
        else:
            keys = [stimulus.pixels_sha256 for stimulus in recorded.stimuli]
        if len(keys) != len(contents):
            raise ReplayMismatchError(
                f"In block {number} the protocol asks for {len(contents)} stimuli; the record says "
                f"{len(keys)}. {REPLAY_REMEDY}"
            )
        planned = self._planned(number, batch.stimuli, contents, keys)
        return Block(number, batch, planned, batch.durations or self._durations, self._seed)

    def images(self, block: Block) -> dict[str, ImageArray]:
        """Return the images of a block by their hashes; a recalled block is rendered now.

        Raises
        ------
        ReplayMismatchError
            It renders to other pixels than were recorded.
        """
        wanted = [stimulus.pixels_sha256 for stimulus in block.stimuli]
        if (images := self._pixels.find(wanted)) is not None:
            return images
        keys = self._render(block.batch, [stimulus.content_sha256 for stimulus in block.stimuli])
        for stimulus, key in zip(block.stimuli, keys, strict=True):
            if stimulus.pixels_sha256 != key:
                raise ReplayMismatchError(
                    f"Stimulus {stimulus.id} of thread {stimulus.thread!r} renders to other pixels "
                    f"than were recorded. {REPLAY_REMEDY}"
                )
        return self.images(block)

    def _render(self, batch: StimulusBatch, contents: Sequence[str]) -> list[str]:
        images = self._images(batch.stimuli, contents)
        keys = [array_sha256(image) for image in images]
        self._pixels.keep(dict(zip(keys, images, strict=True)))
        # With the generator: two of them may be given the same code, and draw other images.
        self._key_of_content = {
            (stimulus.generator, content): key
            for stimulus, content, key in zip(batch.stimuli, contents, keys, strict=True)
        }
        return keys

    def views(self, block: Block) -> dict[View, ImageArray]:
        """Return the images of a block at their places; see `images`."""
        images = self.images(block)
        return {_view(stimulus): images[stimulus.pixels_sha256] for stimulus in block.stimuli}

    def _images(self, stimuli: Sequence[Stimulus], contents: Sequence[str]) -> list[ImageArray]:
        images: dict[int, ImageArray] = {}
        to_render: dict[tuple[str, str], list[int]] = {}
        for index, stimulus in enumerate(stimuli):
            known = self._known_image(stimulus.generator, contents[index])
            if stimulus.image is not None:
                images[index] = stimulus.image
            elif known is not None:
                images[index] = known
            else:
                # References apart from evolved codes: a generator's last bits may depend on what
                # else is in the batch, and a resumed run renders them in the same company.
                group = (stimulus.generator or "", stimulus.role)
                to_render.setdefault(group, []).append(index)
        for (name, _role), indices in to_render.items():
            codes = np.stack([stimuli[index].code for index in indices])  # type: ignore[misc]
            images.update(zip(indices, self._generator(name).render(codes), strict=True))
        return [images[index] for index in range(len(stimuli))]

    def _planned(
        self,
        number: int,
        stimuli: Sequence[Stimulus],
        contents: Sequence[str],
        keys: Sequence[str],
    ) -> tuple[PlannedStimulus, ...]:
        return tuple(
            PlannedStimulus(
                id=f"b{number:05d}-s{position:03d}",
                role=stimulus.role,
                thread=stimulus.thread,
                generation=stimulus.generation,
                index=stimulus.index,
                generator=stimulus.generator,
                label=stimulus.label,
                content_sha256=content,
                pixels_sha256=key,
                placement=stimulus.placement or self._placement,
                provenance=dict(stimulus.provenance),
            )
            for position, (stimulus, content, key) in enumerate(
                zip(stimuli, contents, keys, strict=True)
            )
        )

    def _known_image(self, generator: str | None, content: str) -> ImageArray | None:
        key = self._key_of_content.get((generator, content))
        found = None if key is None else self._pixels.find((key,))
        return None if found is None or key is None else found[key]

    def _generator(self, name: str) -> Generator:
        if name not in self._generators:
            raise ConfigError(
                f"There is no generator {name!r}; the experiment file has "
                f"{', '.join(map(repr, self._generators)) or 'none'}. Add a table "
                f"[generators.{name}], or name one of these."
            )
        return self._generators[name]


REPLAY_REMEDY = (
    "The experiment file, the program, or the numerical libraries are not those of the recorded "
    "run (its manifest.json lists them); resume with the same ones."
)


def check_replay(plan: PassPlan, recorded: PassPlan) -> None:
    """Make sure that a replayed pass is the recorded one.

    Raises
    ------
    ReplayMismatchError
        The message names the first difference.
    """
    if plan == recorded:
        return
    where = f"In block {plan.block}, attempt {plan.attempt},"
    for ours, theirs in zip(plan.stimuli, recorded.stimuli, strict=False):
        if ours.content_sha256 != theirs.content_sha256 and ours.generator is None:
            raise ReplayMismatchError(
                f"{where} the image {theirs.label!r} (stimulus {theirs.id} of thread "
                f"{theirs.thread!r}) has other pixels than were recorded. Put the files of images "
                "back as they were to resume the run, or start a new one."
            )
        if ours.content_sha256 != theirs.content_sha256:
            raise ReplayMismatchError(
                f"{where} the replayed protocol asks for another code than was recorded: stimulus "
                f"{theirs.id} of thread {theirs.thread!r}. {REPLAY_REMEDY}"
            )
    raise ReplayMismatchError(
        f"{where} the order or the number of presentations is not the recorded one. {REPLAY_REMEDY}"
    )


def check_units(plan: PassPlan, recorded: ResponseBatch, unit_names: tuple[str, ...]) -> None:
    """Make sure that recorded responses are of the units that the run is going on with.

    Raises
    ------
    ReplayMismatchError
        The message names the difference.
    """
    planned = {item.id: item.stimulus_index for item in plan.presentations}
    answered = dict(zip(recorded.presentation_ids, recorded.stimulus_index.tolist(), strict=True))
    if not answered.items() <= planned.items():
        raise ReplayMismatchError(
            f"The responses to block {plan.block}, attempt {plan.attempt}, are recorded of other "
            "presentations than were planned: something else changed the record. Restore it from "
            "a copy, or start a new run."
        )
    if recorded.unit_names == unit_names:
        return
    gone = [name for name in recorded.unit_names if name not in unit_names]
    new = [name for name in unit_names if name not in recorded.unit_names]
    what = f"without {gone[:5]}, with {new[:5]} instead" if gone or new else "in another order"
    raise ReplayMismatchError(
        f"The {len(recorded.unit_names)} units whose responses to block {plan.block} are recorded "
        f"are not the {len(unit_names)} of the response source now: {what}. Resume with the same "
        "units, or start a new run."
    )


def unanswered(plan: PassPlan, parts: Sequence[ResponseBatch]) -> tuple[Presentation, ...]:
    """List the presentations of a pass that have no responses in any of its parts."""
    answered = {name for part in parts for name in part.presentation_ids}
    return tuple(item for item in plan.presentations if item.id not in answered)


def in_planned_order(plan: PassPlan, parts: Sequence[ResponseBatch]) -> ResponseBatch:
    """Join the parts in which a whole pass was answered.

    The order matters to the last bit: means over presentations are told to optimizers.
    """
    responses = ResponseBatch.joined(parts)
    row = {name: index for index, name in enumerate(responses.presentation_ids)}
    return responses.rows(np.array([row[item.id] for item in plan.presentations]))


def in_stretches(
    parts: Sequence[ResponseBatch], responses: ResponseBatch | None
) -> Iterator[ResponseBatch]:
    """Yield the answers to a pass as they were read: the parts, and what followed them."""
    yield from parts
    if responses is None:
        return
    answered = {name for part in parts for name in part.presentation_ids}
    is_left = [name not in answered for name in responses.presentation_ids]
    if any(is_left):
        yield responses.rows(np.flatnonzero(is_left))


def _view(stimulus: PlannedStimulus) -> View:
    assert stimulus.placement is not None
    return View(stimulus.pixels_sha256, stimulus.placement)


def orders_of(
    plan: PassPlan, presentations: Sequence[Presentation], *, code_bits: int | None
) -> list[Order]:
    """Return what the display is ordered to show, each with a code of its own.

    Parameters
    ----------
    plan : PassPlan
    presentations : sequence of Presentation
        What is left of it.
    code_bits : int or None
        Bits of a code. They count from 1, and begin again where there are no more; which one an
        image has follows from its place in the whole pass. None gives none.
    """
    place = {item.id: number for number, item in enumerate(plan.presentations)}
    n_codes = 0 if code_bits is None else (1 << code_bits) - 1
    return [
        Order(
            item.id,
            _view(plan.stimuli[item.stimulus_index]),
            1 + place[item.id] % n_codes if n_codes else None,
        )
        for item in presentations
    ]
