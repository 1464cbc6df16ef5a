"""The few types that everything shares. Shapes are read by people here and enforced in the tests (jaxtyping).

Inside the course an image is float32, (b, c, h, w), in [-1, 1]; `images.py` converts at the door.
"""

from collections.abc import Callable

from jaxtyping import Float, Int, UInt8
from torch import Tensor

Images = Float[Tensor, "b c h w"]  # in [-1, 1]
Bytes = UInt8[Tensor, "b c h w"]  # in 0..255: only data, metrics/features, notebook/show and files
Labels = Int[Tensor, " b"]
Codes = Float[Tensor, "b d"]  # a point of a latent space per row
Features = Float[Tensor, "n d"]
Scalar = Float[Tensor, ""]

Batch = dict[str, Tensor]  # {"image": Images, "label": Labels, ...}
Losses = dict[str, Tensor]  # named scalar terms; their sum is what is minimised

LossFn = Callable[[Batch], Losses]
SampleFn = Callable[[int], Images]  # how many -> images in [-1, 1]
