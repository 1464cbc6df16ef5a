"""What the layers of an extractor see, with gradients: for a loss that compares perceptions, not pixels.

Zhang et al., The Unreasonable Effectiveness of Deep Features as a Perceptual Metric, arXiv:1801.03924.
A model that is trained with these maps and scored by the same extractor's distances is judged by its teacher:
compare it with another model only where that one had the same teacher, or say so.
"""

from collections.abc import Callable

from torch import Tensor, nn

from course_lib.metrics.features import FeatureExtractor
from course_lib.metrics.lenet import LeNet
from course_lib.types import Images


def feature_maps(extractor: FeatureExtractor) -> Callable[[Images], list[Tensor]]:
    """Images of any size -> the maps after each ReLU of a course LeNet's convolutions, finest first.

    ValueError for an extractor of another kind. The network itself never learns.
    """
    net = extractor.net
    if not isinstance(net, LeNet):
        raise ValueError(f"expected an extractor made of the course's LeNet, got {extractor.name}")
    net.eval().requires_grad_(False)
    layers = list(net.body[: 4 * len(net.widths)])  # convolution, BatchNorm, ReLU, pooling: four a stage

    def maps(x: Images) -> list[Tensor]:
        h, seen = extractor.prepare(x.float()), []
        for layer in layers:
            h = layer(h)
            if isinstance(layer, nn.ReLU):
                seen.append(h)
        return seen

    return maps
