"""Some of the images of a data set."""

import numpy as np
from mmengine.registry import DATASETS
from torch.utils.data import Subset


@DATASETS.register_module()
class ImageSubset(Subset):
    """Images that are spread evenly over a data set, from the first to the last.

    Args:
        dataset (dict): Config of the data set.
        images (int): How many to take; all where it has no more.
    """

    def __init__(self, dataset: dict, images: int) -> None:
        whole = DATASETS.build(dataset)
        chosen = np.linspace(0, len(whole) - 1, min(images, len(whole))).round()
        super().__init__(whole, chosen.astype(int).tolist())
        self.metainfo = whole.metainfo
