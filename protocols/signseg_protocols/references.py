"""Reference images: the same in every block, so that drift shows."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from signseg_protocols.image_folder import count_images, read_images
from signseg_protocols.names import unknown_generator
from signseg_rig.errors import ConfigError
from signseg_rig.experiment import Name
from signseg_rig.files.pictures import describe_left_out
from signseg_rig.interfaces import ProtocolContext
from signseg_rig.settings import InputPath, Problem, Settings
from signseg_rig.values import REFERENCE, Stimulus

REFERENCES = "references"


class References(Settings):
    """The base of all reference sets."""

    @abstractmethod
    def stimuli(self, context: ProtocolContext) -> tuple[Stimulus, ...]:
        """Make the reference stimuli; the same for the same seed.

        Raises
        ------
        ConfigError
            The images or the generator are not there, or cannot be used.
        """

    @abstractmethod
    def misfits(self, generator_names: Collection[str]) -> list[Problem]:
        """List what `stimuli` would fail on, without a generator; keys are from their own table."""


class FolderReferences(References):
    """Image files of a folder, in the order of their names; the first `n_images`, or all."""

    kind: Literal["folder"] = "folder"
    path: InputPath
    n_images: int | None = Field(default=None, ge=1)

    def stimuli(self, context: ProtocolContext) -> tuple[Stimulus, ...]:
        """Read the images, or find them as they were when the run began."""
        images = context.file_images(REFERENCES, lambda: read_images(self.path, self.n_images))
        return tuple(
            Stimulus(
                REFERENCE,
                REFERENCES,
                -1,
                index,
                image=image,
                label=name,
                provenance={"file": name},
            )
            for index, (name, image) in enumerate(images)
        )

    def misfits(self, generator_names: Collection[str]) -> list[Problem]:  # noqa: ARG002
        """Read the images: whether they can be used shows only then."""
        try:
            images = read_images(self.path, self.n_images)
            n_there = count_images(self.path)
        except ConfigError as error:
            return [Problem(str(error), ("path",))]
        problems = []
        if n_there > len(images):
            message = (
                f"Of the {n_there} images in {self.path} only the first {len(images)} by name are "
                f"shown, up to {images[-1][0]!r}. Leave n_images out to show all, or give these a "
                "folder of their own, so that it is no matter of names."
            )
            problems.append(Problem(message, ("n_images",), "warning"))
        if (left_out := describe_left_out(self.path)) is not None:
            problems.append(Problem(left_out, ("path",), "warning"))
        return problems


class RandomCodeReferences(References):
    """Images of codes that are drawn once from a generator's own distribution."""

    kind: Literal["random_codes"] = "random_codes"
    generator: Name
    n_codes: int = Field(default=10, ge=1, le=1000)

    def stimuli(self, context: ProtocolContext) -> tuple[Stimulus, ...]:
        """Draw the codes."""
        for problem in self.misfits(context.generators):
            raise ConfigError(problem.message)
        generator = context.generators[self.generator]
        codes = np.array(generator.sample_codes(self.n_codes, context.rng(REFERENCES)))
        return tuple(
            Stimulus(
                REFERENCE,
                REFERENCES,
                -1,
                index,
                generator=self.generator,
                code=code,
                label=f"random code {index}",
            )
            for index, code in enumerate(codes)
        )

    def misfits(self, generator_names: Collection[str]) -> list[Problem]:
        """See whether there is such a generator."""
        if self.generator in generator_names:
            return []
        message = unknown_generator("The reference set", self.generator, generator_names)
        return [Problem(message, ("generator",))]


ReferenceChoice = Annotated[FolderReferences | RandomCodeReferences, Field(discriminator="kind")]
