"""Reference images: the same in every block, so that drift shows."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from signseg_protocols.image_folder import read_images
from signseg_protocols.names import unknown_name
from signseg_rig.config import Name
from signseg_rig.errors import ConfigError
from signseg_rig.interfaces import ProtocolContext
from signseg_rig.settings import InputPath, Settings
from signseg_rig.types import Stimulus

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


class FolderReferences(References):
    """Image files of a folder, in the order of their names; the first `n_images`, or all."""

    kind: Literal["folder"] = "folder"
    path: InputPath
    n_images: int | None = Field(default=None, ge=1)

    def stimuli(self, context: ProtocolContext) -> tuple[Stimulus, ...]:  # noqa: ARG002
        """Read the images."""
        return tuple(
            Stimulus("reference", REFERENCES, -1, index, image=image, label=name)
            for index, (name, image) in enumerate(read_images(self.path, self.n_images))
        )


class RandomCodeReferences(References):
    """Images of codes that are drawn once from a generator's own distribution."""

    kind: Literal["random_codes"] = "random_codes"
    generator: Name
    n_codes: int = Field(default=10, ge=1, le=1000)

    def stimuli(self, context: ProtocolContext) -> tuple[Stimulus, ...]:
        """Draw the codes."""
        if self.generator not in context.generators:
            remedy = f"Add a table [generators.{self.generator}], or name one of these."
            known = list(context.generators)
            raise ConfigError(
                unknown_name("The reference set", "generator", self.generator, known, remedy=remedy)
            )
        generator = context.generators[self.generator]
        codes = np.array(generator.sample_codes(self.n_codes, context.rng(REFERENCES)))
        return tuple(
            Stimulus(
                "reference",
                REFERENCES,
                -1,
                index,
                generator=self.generator,
                code=code,
                label=f"random code {index}",
            )
            for index, code in enumerate(codes)
        )


ReferenceChoice = Annotated[FolderReferences | RandomCodeReferences, Field(discriminator="kind")]
