"""Data sets as tensors on the device: `digits`, `faces`, and the `Batches` that a run takes from them."""
