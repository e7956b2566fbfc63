"""What an ablation did to a set of images."""

from signseg_rig.metrics.scrambles import block_scramble, phase_scramble, to_pixels, white_noise
from signseg_rig.metrics.spectra import RadialSpectrum, radial_spectrum

__all__ = [
    "RadialSpectrum",
    "block_scramble",
    "phase_scramble",
    "radial_spectrum",
    "to_pixels",
    "white_noise",
]
