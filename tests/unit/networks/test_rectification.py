"""Which layers cannot be negative: as networks' operations show, and as their features are."""

import numpy as np
import pytest
import torch
from torch import nn
from torchvision.models.resnet import BasicBlock
from torchvision.models.squeezenet import Fire

from signseg_rig.errors import ConfigError
from signseg_rig.networks import load_network
from signseg_rig.networks.rectification import is_never_negative

SIZE_PX = 64
KINDS = {
    "efficientnet_lite0": {},
    "alexnet": {"random_seed": 0},
    "vgg11": {"random_seed": 0},
    "resnet18": {"random_seed": 0},
    "tanh": {"random_seed": 0, "activation": "tanh"},
}


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (2, SIZE_PX, SIZE_PX, 3), dtype=np.uint8)


@pytest.mark.parametrize("kind", KINDS)
def test_a_layer_is_rectified_exactly_where_no_value_is_negative(kind, images):
    """With weights such as these, a layer that can be negative is so for some image."""
    name = "resnet18" if kind == "tanh" else kind
    network = load_network(name, input_size_px=SIZE_PX, **KINDS[kind])
    layers = network.layer_names
    for layer in (*layers[:6], *layers[-6:]):
        is_negative = (network.features(images, layer) < 0).any()
        assert network.is_rectified(layer) == (not is_negative), layer
    assert network.is_rectified() == (kind != "tanh")


def test_layers_inside_blocks_are_what_the_block_projects(images):
    network = load_network("efficientnet_lite0", input_size_px=SIZE_PX, batch_size=2)
    assert network.layer_names[:4] == (
        *("stem", "blocks.0.depthwise", "blocks.0", "blocks.1.expansion"),
    )
    model = network._model
    seen = {}
    block = model._blocks[4]
    block._depthwise_conv.register_forward_pre_hook(
        lambda _module, inputs: seen.update(expansion=inputs[0])
    )
    block._project_conv.register_forward_pre_hook(
        lambda _module, inputs: seen.update(depthwise=inputs[0])
    )
    network.features(images)
    for name, expected in seen.items():
        layer = f"blocks.4.{name}"
        assert network.layer_shape(layer) == tuple(expected.shape[1:])
        features = network.features(images, layer)
        np.testing.assert_array_equal(features, expected.flatten(1).numpy())
    with pytest.raises(ConfigError, match=r"has no layer 'blocks\.0\.expansion'"):
        network.features(images, "blocks.0.expansion")


def rectified_by(operation):
    with torch.no_grad():
        return is_never_negative(lambda: operation(torch.zeros(1, 4, 8, 8)))


@pytest.mark.parametrize(
    "operation",
    [
        nn.ReLU(inplace=True),
        nn.ReLU6(),
        nn.Sigmoid(),
        nn.Softplus(),
        nn.Sequential(nn.ReLU(), nn.MaxPool2d(2), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        nn.Sequential(nn.ReLU(), nn.ZeroPad2d(1), nn.AvgPool2d(2), nn.Dropout(0.5).eval()),
        BasicBlock(4, 4).eval(),
        Fire(4, 2, 3, 3).eval(),
        lambda x: torch.relu(x).mean((2, 3)),
        lambda x: torch.relu(x) + torch.sigmoid(x),
        lambda x: x.clamp(min=0),
    ],
)
def test_operations_that_show_it(operation):
    assert rectified_by(operation)


@pytest.mark.parametrize(
    "operation",
    [
        nn.Identity(),
        nn.Tanh(),
        nn.GELU(),
        nn.Hardtanh(),
        nn.LeakyReLU(),
        nn.Sequential(nn.ReLU(), nn.Conv2d(4, 4, 1)),
        nn.Sequential(nn.ReLU(), nn.ConstantPad2d(1, -1.0)),
        lambda x: torch.relu(x) - 1,
        lambda x: torch.relu(x) + x,
        lambda x: torch.relu(x) + (-1),
        lambda x: torch.add(torch.relu(x), torch.relu(x), alpha=-1),
        lambda x: torch.cat([torch.relu(x), x]),
        # Rectified, and then changed in place, by itself or through what shares its memory.
        lambda x: torch.relu(x).sub_(1),
        lambda x: _changed_through_a_view(torch.relu(x)),
    ],
)
def test_operations_that_do_not(operation):
    assert not rectified_by(operation)


def _changed_through_a_view(rectified):
    rectified.view(-1).sub_(1)
    return rectified
