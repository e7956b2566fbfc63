"""Models of macaque V4 neurons: fit, test, ablate, and ask the neurons what each sign is worth.

    python examples/05_fit_neurons.py FOLDER [OUT]

FOLDER is a session such as 201025 of https://github.com/cowleygroup/V4_compact_models (GPL-3.0),
with images.zip and responses_mean.npy: 1,200 images, and the mean counts of 89 neurons in bins of
100 ms. OUT, here by default, gets the models, the report of the fit, and the curves of the
ablation. It takes some minutes; the features of the images are kept, so that the next time is
quicker. For p-values, which take longer, give the fit `FitSettings(n_shuffles=200)`.

Half of what a block of EfficientNet-Lite puts out is below 0, where a positive weight inhibits. So
each feature is split into max(x, 0) and max(-x, 0); docs/signs.md tells why.

The same from the command line:
    signseg-rig fit --images FOLDER/images.zip --responses FOLDER/responses_mean.npy \
        --count-window-s 0.1 --layer blocks.8 --pool-px 7 --rectify split --n-shuffles 0 \
        --out v4.neurons
    signseg-rig predict v4.neurons --images FOLDER/images.zip --sign negative --out rates.csv
    signseg-rig ablate v4.neurons --images FOLDER/images.zip --n-draws 1
    signseg-rig choose examples/09_choices.toml

Needs the `demo` extra: pip install 'signseg-rig[demo]'
"""

import sys
from pathlib import Path

import numpy as np

from signseg_rig.datasets import prepare_for_fit, read_recorded
from signseg_rig.networks import load_network
from signseg_rig.neurons import (
    FeatureReader,
    ablated_choices,
    ablation_curves,
    compare_choices,
    describe_signs,
    permutation_null,
)
from signseg_rig.report import write_ablation_report, write_fit_report
from signseg_rig.report.ablation_page import summarize
from signseg_rig.studies import fit_recorded

folder = Path(sys.argv[1])
out = Path(sys.argv[2] if len(sys.argv) > 2 else ".")

# Everything that does not fit together would be reported here, before anything is computed.
recorded = read_recorded(folder / "responses_mean.npy", folder / "images.zip", count_window_s=0.1)
data, _warnings = prepare_for_fit(recorded)

reader = FeatureReader(load_network("efficientnet_lite0"), "blocks.8", 7, "split")
fit = fit_recorded(data, reader, cache_dir=out / "features")
fit.models.save(out / "v4.neurons")
report = write_fit_report(fit, out / "v4-report")

# That nothing is found where there is nothing to find a fourth of the images shows as well.
null = permutation_null(fit.features[::4], fit.measured_hz[::4], n_folds=5, n_shuffles=5)

points = ablation_curves(fit.models, fit.features, n_draws=1, spec=reader.spec)
figure = write_ablation_report(points, out / "v4-ablation")

print("Means over neurons, in spikes/s: change of the rate to all images, and to preferred ones")
print(f"{'removed':30} {'strength':>8} {'raw':>14} {'centered':>14} {'r intact':>8}")
rows = summarize(points)
for raw in rows:
    if raw["convention"] != "raw":
        continue
    kind = [raw[name] for name in ("sign", "control", "strength")]
    centered = next(
        row
        for row in rows
        if row["convention"] == "centered"
        and [row[name] for name in ("sign", "control", "strength")] == kind
    )
    removed = f"random, {raw['control']} of {raw['sign']}" if raw["control"] else raw["sign"]
    changes = (
        f"{row['mean_change_hz']:+6.2f} {row['preferred_change_hz']:+7.2f}"
        for row in (raw, centered)
    )
    # Of a model without weights nothing is left that could correlate.
    r_intact = "" if raw["r_intact"] is None else f"{raw['r_intact']:.3f}"
    print(f"{removed:30} {raw['strength']:8.1f} {' '.join(changes)} {r_intact:>8}")

# What is left of a neuron that loses its negative inputs, for the image that it prefers.
unit = int(np.argmax(fit.validation.r))
best = int(np.argmax(fit.measured_hz[:, unit]))
intact, ablated = (
    models.predict(fit.features[[best]], spec=reader.spec)[0, unit]
    for models in (fit.models, fit.models.ablate("negative", 1.0))
)
print(
    f"neuron {data.unit_ids[unit]} to {data.image_ids[best]}: "
    f"measured {fit.measured_hz[best, unit]:.1f}, predicted {intact:.1f}, without negative "
    f"weights {ablated:.1f} spikes/s"
)

# Do images that models without positive weights choose, among those left out of the fit, drive the
# real neurons less? The neurons are those that are predicted well, chosen before any ablation.
counts = fit.validation.r >= 0.5
choices = ablated_choices(
    fit.features, fit.measured_hz[:, counts], fit.validation.of_units(counts), n_draws=2
)
print(f"Recorded responses to chosen images, in SD, over {counts.sum()} neurons")
for test in compare_choices({folder.name: choices}):
    interval = f"[{test.low:+.2f}, {test.high:+.2f}]"
    print(f"{test.compared:34} {test.difference:+.2f} {interval} q {test.q_value:.2g}")

print(f"Features: {reader.spec}. {describe_signs(fit.models.signs)}")
median_r, null_r = np.median(fit.validation.r), np.nanmedian(null.null_r)
print(f"{data.n_units} neurons, {data.n_images} images; median test r {median_r:.2f}")
print(f"median r with shuffled images {null_r:+.3f}")
print(f"{out / 'v4.neurons'}\n{report}\n{figure}")
