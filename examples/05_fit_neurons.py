"""Models of macaque V4 neurons: fit, test, ablate, and see what each sign contributes.

    python examples/05_fit_neurons.py FOLDER [OUT]

FOLDER is a session such as 201025 of https://github.com/cowleygroup/V4_compact_models (GPL-3.0),
with images.zip and responses_mean.npy: 1,200 images, and the mean counts of 89 neurons in bins of
100 ms. OUT, here by default, gets the models, the report of the fit, and the curves of the
ablation. It takes a minute; the features of the images are kept, so that the next time is quicker.

The same from the command line:
    signseg-rig fit --images FOLDER/images.zip --responses FOLDER/responses_mean.npy \
        --count-window-s 0.1 --layer blocks.8 --pool-px 7 --out v4.neurons
    signseg-rig ablate v4.neurons --images FOLDER/images.zip

Needs the `demo` extra: pip install 'signseg-rig[demo]'
"""

import sys
from pathlib import Path

import numpy as np

from signseg_rig.datasets import prepare_for_fit, read_recorded
from signseg_rig.fitting import fit_recorded
from signseg_rig.networks import load_network
from signseg_rig.neurons import FeatureReader, ablation_curves
from signseg_rig.report import write_ablation_report, write_fit_report

folder = Path(sys.argv[1])
out = Path(sys.argv[2] if len(sys.argv) > 2 else ".")

# Everything that does not fit together would be reported here, before anything is computed.
recorded = read_recorded(folder / "responses_mean.npy", folder / "images.zip", count_window_s=0.1)
data, _warnings = prepare_for_fit(recorded)

reader = FeatureReader(load_network("efficientnet_lite0"), "blocks.8", pool_px=7)
fit = fit_recorded(data, reader, cache_dir=out / "features")
fit.models.save(out / "v4.neurons")
report = write_fit_report(fit, out / "v4-report")

points = ablation_curves(fit.models, fit.features, strengths=(0, 0.3, 0.7, 1))
figure = write_ablation_report(points, out / "v4-ablation")


def change_hz(sign):
    """Give the mean change of the rate to preferred images, without all weights of a sign."""
    return np.mean(
        [
            point.preferred_change_hz
            for point in points
            if (point.sign, point.control, point.convention) == (sign, "", "raw")
            and point.strength == 1
        ]
    )


median_r = np.median(fit.validation.r)
print(f"{data.n_units} neurons, {data.n_images} images; median test r {median_r:.2f}")
for sign in ("positive", "negative"):
    print(f"without {sign} weights: {change_hz(sign):+.1f} spikes/s to preferred images")
print(f"{out / 'v4.neurons'}\n{report}\n{figure}")
