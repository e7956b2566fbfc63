"""The components of partial least squares, for many neurons at once, among images.

There are far more features than images. With the kernel K = X Xᵀ of the centred features, a
neuron's next score vector is t ∝ (1 - T Tᵀ) K r, where T holds its scores so far and r is what
they leave unexplained of its response y. Neurons differ in r and share K, so that the expensive
step is one matrix product for all of them.

Every t is also K s. From t ∝ K r - T (Tᵀ K r) follows s ∝ r - S (Tᵀ K r), with the same factors;
and the same holds for anything linear in s, such as the scores of other images, K* s. They are
carried along, and with q = t·y they give the predictions of k components, K* (s₁ q₁ + ... + sₖ qₖ),
for every k in one pass.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from signseg_rig.values import FloatArray, IntArray

# A component is given up where what it would be made of has vanished in rounding.
VANISHED = 1e-12


@dataclass(frozen=True, slots=True)
class Components:
    """The components of each neuron.

    Parameters
    ----------
    loadings : (n_units, n_components) float array
        q = t·y; 0 from where a neuron has no more components.
    carried : (n_units, n_components, n_carried) float array
        The carrier times s.
    n_found : (n_units,) int array
    """

    loadings: FloatArray
    carried: FloatArray
    n_found: IntArray

    def steps(self) -> FloatArray:
        """Return what each component adds to the predictions, of the shape of `carried`."""
        return self.loadings[:, :, None] * self.carried


def find_components(
    kernel: FloatArray,
    responses: FloatArray,
    n_components: int,
    carrier: FloatArray | None = None,
) -> Components:
    """Find the components of PLS1, for each neuron on its own.

    Parameters
    ----------
    kernel : (n_images, n_images) or (n_images,) float array
        Of the centred features; one-dimensional where it is diagonal.
    responses : (n_units, n_images) float array, centred
    n_components : int
    carrier : (n_carried, n_images) float array, optional
        What s is multiplied with: the kernel between other images and these, for their scores. By
        default nothing, so that `Components.carried` is s itself.

    Returns
    -------
    components : Components
    """
    n_units, n_images = responses.shape
    n_carried = n_images if carrier is None else len(carrier)
    scores = np.empty((n_units, n_components, n_images))
    carried = np.zeros((n_units, n_components, n_carried))
    loadings = np.zeros((n_units, n_components))
    n_found = np.zeros(n_units, dtype=np.int64)
    residual = responses.copy()
    scale = _lengths(responses)
    gain = np.abs(kernel).max(initial=0) * n_images
    goes_on = scale > 0
    for index in range(n_components):
        drive = residual * kernel if kernel.ndim == 1 else residual @ kernel
        factors = scores[:, :index] @ drive[:, :, None]
        score = drive - _combined(factors, scores[:, :index])
        length, left = _lengths(score), _lengths(residual)
        goes_on &= (left > VANISHED * scale) & (length > VANISHED * gain * left)
        if not goes_on.any():
            break
        # Neurons that are done go through the motions with zeros.
        shrink = np.divide(1, length, out=np.zeros(n_units), where=goes_on)[:, None]
        along = residual if carrier is None else residual @ carrier.T
        scores[:, index] = score * shrink
        carried[:, index] = (along - _combined(factors, carried[:, :index])) * shrink
        loadings[:, index] = np.einsum("ui,ui->u", scores[:, index], residual)
        residual -= loadings[:, index, None] * scores[:, index]
        n_found += goes_on
    return Components(loadings, carried, n_found)


def _combined(factors: FloatArray, vectors: FloatArray) -> FloatArray:
    """Add up vectors (n_units, n_components, n) by factors (n_units, n_components, 1)."""
    combined: FloatArray = (factors.transpose(0, 2, 1) @ vectors)[:, 0]
    return combined


def _lengths(vectors: FloatArray) -> FloatArray:
    # Several times as fast as numpy.linalg.norm for short vectors.
    return np.sqrt(np.einsum("ui,ui->u", vectors, vectors))
