"""Random weights for the DCGAN of faces that draw images of the statistics of faces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from signseg_rig.torch_models import reproducible_inference

if TYPE_CHECKING:
    import torch
    from torch import nn

N_CODES = 128
# A transposed convolution by these scales an image up smoothly, to twice its size.
SMOOTH = (0.25, 0.75, 0.75, 0.25)
# Random part of each weight, relative to the root mean square of the smooth kernel.
ROUGHNESS = 0.3
# Of the faces that the trained weights draw: mean level of red, green and blue; and what the last
# layer has to put out, before the tanh, for their contrast.
MEAN_LEVELS = (93.0, 77.0, 68.0)
CONTRAST = 0.45


def draw_weights(network: nn.Sequential) -> None:
    """Draw weights of torch's default generator into the network, layer by layer.

    Parameters
    ----------
    network : torch.nn.Sequential
        Transposed convolutions, each but the last with a batch normalisation and a ReLU, and a
        tanh. In evaluation mode.

    Notes
    -----
    As the architecture's authors start training, images are gray to half a level: a batch
    normalisation that has seen nothing divides by one. With its statistics in place, of `N_CODES`
    random codes, they are noise: 0.82 of their power lies above 16 cycles an image, of the trained
    ones' 0.02. So each kernel is smooth here, times a random weight for each pair of channels, and
    has a random part. Measured on 100 images, of two seeds and of the trained weights:

    =========================================  ===================  =======
    (levels; share of power)                   random               trained
    =========================================  ===================  =======
    mean of red, green, blue                   97, 86, 77           93, 77, 68
    contrast within an image (RMS)             42                   41
    contrast across images                     43                   51
    power from 0.5, 2.5, 4.5, 8.5 and          .75, .14, .04, .02,  .60, .19, .12, .06,
    16.5 cycles an image on                    .05                  .02
    =========================================  ===================  =======
    """
    import torch

    with reproducible_inference():
        first: Any = network[0]
        values = torch.randn(N_CODES, first.in_channels, 1, 1)
        *hidden, last, _tanh = network
        for number, layer in enumerate(hidden):
            if isinstance(layer, torch.nn.ConvTranspose2d) and number:
                _draw_smooth(layer)
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.get_buffer("running_mean").copy_(values.mean(dim=(0, 2, 3)))
                layer.get_buffer("running_var").copy_(values.var(dim=(0, 2, 3)))
            values = layer(values)
        _draw_smooth(last)
        _set_levels(last, values)


def _draw_smooth(layer: Any) -> None:
    import torch

    smooth = torch.outer(torch.tensor(SMOOTH), torch.tensor(SMOOTH))
    roughness = ROUGHNESS * smooth.square().mean().sqrt()
    n_in, n_out, *size = layer.weight.shape
    rough = roughness * torch.randn(n_in, n_out, *size)
    layer.weight.data.copy_(torch.randn(n_in, n_out, 1, 1) * smooth + rough)


def _set_levels(layer: Any, inputs: torch.Tensor) -> None:
    """Scale the last layer's weights to the contrast, and give them the mean levels.

    It has no bias. What its inputs are on average is taken out of the weights, and put back as much
    as makes the mean.
    """
    import torch

    weight = layer.weight.data
    mean = inputs.mean(dim=(0, 2, 3))
    direction = mean / mean.norm()
    weight -= direction[:, None, None, None] * torch.einsum("c,cokl->okl", direction, weight)
    weight *= CONTRAST / layer(inputs).std()
    wanted = torch.atanh(torch.tensor(MEAN_LEVELS) / 127.5 - 1)
    # A constant comes through the smooth kernel, with a stride of 2, as it is.
    smooth = torch.outer(torch.tensor(SMOOTH), torch.tensor(SMOOTH))
    weight += (direction / mean.norm())[:, None, None, None] * wanted[None, :, None, None] * smooth
