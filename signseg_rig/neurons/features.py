"""Features of a network's layer as neuron models read them, kept on disk once computed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from signseg_rig.errors import ConfigError
from signseg_rig.files.whole import whole_file
from signseg_rig.interfaces import Network
from signseg_rig.values import FloatArray, ImageArray, array_sha256

Progress = Callable[[int], None]
Rectify = Literal["as_is", "split"]
# Images computed together: enough to keep a graphics card busy, and few to lose by a crash.
# Networks compute in batches of one size, so that an image comes out as if it were alone.
PORTION = 32


@dataclass(frozen=True, slots=True)
class FeatureSpec:
    """Which features of which network: what a neuron model is fitted on.

    Parameters
    ----------
    network : mapping of str to str or number
        The network's `identity`.
    layer : str
    pool_px : int or None
        Averaged to a map of so many by so many positions; None for as they are.
    rectify : {"as_is", "split"}
        ``"split"`` reads ``max(x, 0)`` and ``max(-x, 0)`` in place of each value x, after pooling.
    """

    network: Mapping[str, str | int | float]
    layer: str
    pool_px: int | None = None
    rectify: Rectify = "as_is"

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)

    @property
    def key(self) -> str:
        """The sha256 of all that the features depend on before they are split, the image apart."""
        read = {key: value for key, value in self.to_dict().items() if key != "rectify"}
        return hashlib.sha256(json.dumps(read, sort_keys=True).encode()).hexdigest()

    def __str__(self) -> str:
        pooled = f", pooled to {self.pool_px} x {self.pool_px}" if self.pool_px else ""
        split = ", split by sign" if self.rectify == "split" else ""
        return f"{self.layer} of {self.network.get('kind', 'a network')}{pooled}{split}"


class FeatureReader:
    """Computes the features of images, of any size and each on its own.

    Parameters
    ----------
    network : Network
    layer : str, optional
        By default what the network's readout reads.
    pool_px : int, optional
        Average the layer's map to so many by so many positions. Fewer features mean quicker fits
        and, as neurons tolerate small shifts, often better ones.
    rectify : {"as_is", "split"}
        ``"split"`` gives ``max(x, 0)`` and ``max(-x, 0)`` in place of each value x: features that
        are never negative, of which the signs of weights mean something. A linear model of them
        can do all that one of x can.

    Raises
    ------
    ConfigError
        There is no such layer, or it has no map, or a smaller one, or `rectify` is unknown.
    """

    def __init__(
        self,
        network: Network,
        layer: str | None = None,
        pool_px: int | None = None,
        rectify: Rectify = "as_is",
    ) -> None:
        if rectify not in get_args(Rectify):
            raise ConfigError(
                f"rectify should be one of {', '.join(get_args(Rectify))}; got {rectify!r}."
            )
        self._network = network
        layer = network.layer_names[-1] if layer is None else layer
        self.spec = FeatureSpec(dict(network.identity), layer, pool_px, rectify)
        self._shape = network.layer_shape(layer)
        if pool_px is not None:
            self._pooling = _pooling_matrices(layer, self._shape, pool_px)

    @property
    def shape(self) -> tuple[int, ...]:
        """(n_channels, height, width), or (n_features,); split, the positive parts come first."""
        n_channels, *size = self.shape_unsplit
        return (2 * n_channels if self.spec.rectify == "split" else n_channels, *size)

    @property
    def shape_unsplit(self) -> tuple[int, ...]:
        """The shape of the features that `unsplit` gives."""
        if self.spec.pool_px is None:
            return self._shape
        return (self._shape[0], self.spec.pool_px, self.spec.pool_px)

    @property
    def is_rectified(self) -> bool:
        """Whether it is certain that no feature is ever negative, see `Network.is_rectified`."""
        # Averages over positions are as certain as what they average.
        return self.spec.rectify == "split" or self._network.is_rectified(self.spec.layer)

    def features(self, images: ImageArray) -> FloatArray:
        """Compute features.

        Parameters
        ----------
        images : (n, height, width, 3) uint8 array

        Returns
        -------
        features : (n, n_features) float32 array
            Flattened in the order channel, row, column.

        Raises
        ------
        ConfigError
            The network gave values that are not finite.
        """
        return self.split(self.unsplit(images))

    def split(self, features: FloatArray) -> FloatArray:
        """Split features (n, n_features) that `unsplit` gave into their signs, if that is asked."""
        if self.spec.rectify == "as_is":
            return features
        return np.concatenate([np.maximum(features, 0), np.maximum(-features, 0)], axis=1)

    def unsplit(self, images: ImageArray) -> FloatArray:
        """Compute features of either sign; see `features`."""
        features = self._network.features(images, self.spec.layer)
        if not np.isfinite(features).all():
            first = int(np.flatnonzero(~np.isfinite(features).all(axis=1))[0])
            raise ConfigError(
                f"The layer {self.spec.layer!r} gave values that are not finite for image {first} "
                f"of {len(features)}. The network's weights are damaged, or not those of a network "
                "for such images."
            )
        if self.spec.pool_px is None:
            return features
        rows, columns = self._pooling
        # One image at a time, so that its features do not depend on the others, not in any bit.
        maps = features.reshape(-1, *self._shape)
        pooled = [np.einsum("ph,chw,qw->cpq", rows, one, columns, optimize=True) for one in maps]
        n_features = int(np.prod(self.shape_unsplit))
        return np.array(pooled, dtype=np.float32).reshape(len(features), n_features)


class FeatureCache:
    """Keeps features on disk under what they were computed from, so that none is computed twice.

    A file per image: what was computed before a crash is there afterwards, and several processes
    may share a cache. Kept is what is not split yet, for those who split and those who do not.

    Parameters
    ----------
    folder : Path
    reader : FeatureReader
    """

    def __init__(self, folder: Path, reader: FeatureReader) -> None:
        self._folder = folder / reader.spec.key[:32]
        self._reader = reader

    def features(
        self, images: Iterable[ImageArray], *, on_progress: Progress = lambda _n_done: None
    ) -> FloatArray:
        """Read features, or compute and keep them.

        Parameters
        ----------
        images : iterable of (height, width, 3) uint8 arrays
            Taken in portions of `PORTION`; their sizes may differ.
        on_progress : callable
            Called with how many images are done.

        Returns
        -------
        features : (n_images, n_features) float32 array

        Raises
        ------
        ConfigError
            The folder cannot be written, or the disk is full.
        """
        remaining, rows = iter(images), []
        while portion := list(islice(remaining, PORTION)):
            for row in self._read_or_compute(portion):
                rows.append(row)
                on_progress(len(rows))
        n_features = int(np.prod(self._reader.shape_unsplit))
        return self._reader.split(np.array(rows, dtype=np.float32).reshape(len(rows), n_features))

    def _read_or_compute(self, images: Sequence[ImageArray]) -> list[FloatArray]:
        paths = [self._folder / f"{array_sha256(image)}.npy" for image in images]
        n_features = int(np.prod(self._reader.shape_unsplit))
        rows = {path: _read(path, n_features) for path in paths}
        missing: dict[tuple[int, ...], dict[Path, ImageArray]] = {}
        for path, image in zip(paths, images, strict=True):
            if rows[path] is None:
                missing.setdefault(image.shape, {})[path] = image
        for of_one_size in missing.values():
            computed = self._reader.unsplit(np.stack(list(of_one_size.values())))
            for path, row in zip(of_one_size, computed, strict=True):
                _write(path, row)
                rows[path] = row
        return [row for path in paths if (row := rows[path]) is not None]


def _pooling_matrices(
    layer: str, shape: tuple[int, ...], pool_px: int
) -> tuple[FloatArray, FloatArray]:
    if len(shape) != 3:
        raise ConfigError(
            f"The layer {layer!r} has {shape[0]} features and no map, so that it cannot be pooled "
            f"to {pool_px} x {pool_px}. Leave pool_px out, or choose an earlier layer."
        )
    if not 1 <= pool_px <= min(shape[1:]):
        raise ConfigError(
            f"pool_px should be from 1 to {min(shape[1:])} for the layer {layer!r}, whose map is "
            f"{shape[1]} x {shape[2]}; got {pool_px}."
        )
    return _averaging(shape[1], pool_px), _averaging(shape[2], pool_px)


def _averaging(n_in: int, n_out: int) -> FloatArray:
    """Return the (n_out, n_in) matrix that averages over equal shares of an axis.

    Shares begin and end inside a position where the sizes do not divide, and weigh it accordingly.
    """
    edges = np.linspace(0, n_in, n_out + 1)
    positions = np.arange(n_in)
    overlap = np.minimum(edges[1:, None], positions + 1) - np.maximum(edges[:-1, None], positions)
    return (overlap.clip(0) * n_out / n_in).astype(np.float32)


def _read(path: Path, n_features: int) -> FloatArray | None:
    try:
        row = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, EOFError):
        return None  # damaged: it is computed again, and replaced
    fits = row.shape == (n_features,) and row.dtype == np.float32 and np.isfinite(row).all()
    return row if fits else None


def _write(path: Path, row: FloatArray) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as file:
            np.save(file, row)
    except OSError as error:
        raise ConfigError(
            f"Features cannot be kept as {path}: {error.strerror or error}. Make room there, or "
            "name another folder for them ('--cache-dir' of fit, predict and ablate); what was "
            "computed before is kept."
        ) from error
