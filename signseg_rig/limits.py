"""Limits that parts of the toolkit which do not know each other have in common."""

# Of three pairs in any order a correlation has a p-value of 1/3 at the least.
MIN_NETWORKS = 4
# A paired test has to know the spread of differences.
MIN_PAIRS = 2
# With fewer images a correlation is mostly chance: of 3 images of pure noise it is above 0.9 for
# every ninth neuron.
MIN_REPEATED_IMAGES = 10
# Two computers' crystals are wrong by less than this together.
MAX_DRIFT = 200e-6
