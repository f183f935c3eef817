import pytest
from coco_sets import save_as
from torch import nn

from mmreviewkd.datasets import UnlabeledImages, WithUnlabeled
from mmreviewkd.datasets.check_unlabeled import check_unlabeled
from mmreviewkd.errors import UsageError


def test_plain_models_are_refused(tmp_path):
    save_as('plain', tmp_path / '0.png')
    images = UnlabeledImages(str(tmp_path))
    labeled = UnlabeledImages.__bases__[0](lazy_init=True)
    check_unlabeled(labeled, nn.Linear(1, 1))
    with pytest.raises(UsageError, match=r'datasets\[1\] has unlabelled .* Linear'):
        check_unlabeled(
            WithUnlabeled([labeled, images], lazy_init=True), nn.Linear(1, 1)
        )
    distilled = nn.Linear(1, 1)
    distilled.distill_strength = 1.0
    check_unlabeled(WithUnlabeled([labeled, images], lazy_init=True), distilled)
