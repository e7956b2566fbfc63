"""One generation of an evolution without sockets, screen or clock: images in, scores out.

Needs the `demo` extra and the weights of the generator:
    pip install 'signseg-rig[demo]' && signseg-rig weights fetch dcgan_faces
"""

from signseg_rig.generators import load_generator
from signseg_rig.networks import load_network
from signseg_rig.optimizers import make_optimizer

generator = load_generator("dcgan_faces")
network = load_network("efficientnet_lite0")
optimizer = make_optimizer("cma_es", n_dims=generator.n_dims, seed=1, n_codes=10)
unit = network.unit_names.index("wig")


def scores_of(images):
    """Score images by the drive of one readout unit."""
    weights, bias = network.readout
    return network.features(images) @ weights[unit] + bias[unit]


codes = optimizer.ask()
images = generator.render(codes)
scores = scores_of(images)
optimizer.tell(codes, scores)
print(f"{len(images)} images of {images.shape[1]} px; best score {scores.max():.2f}")
