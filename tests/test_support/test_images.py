import pytest
import torch

from mmreviewkd.support.images import make_images

SIZE = (64, 96)


def samples(**cfg):
    return make_images(cfg, SIZE)['data_samples']


def test_images():
    first, again = (make_images({}, SIZE)['inputs'] for _ in range(2))
    assert [tuple(image.shape) for image in first] == [(3, 64, 96)] * 2
    assert first[0].dtype == torch.uint8
    assert torch.equal(first[0], again[0])
    assert not torch.equal(first[0], first[1])


def test_boxes_are_in_the_image_and_labels_known():
    for sample in samples(bbox_head=dict(num_classes=2)):
        boxes = sample.gt_instances.bboxes
        assert (boxes[:, 2:] > boxes[:, :2]).all()
        assert (boxes >= 0).all()
        assert (boxes <= torch.tensor([96, 64, 96, 64])).all()
        assert sample.gt_instances.labels.max() < 2
        assert len(sample.ignored_instances) == 0


@pytest.mark.parametrize('head', ['mask_head', 'panoptic_head'])
def test_masks_fill_boxes(head):
    instances = samples(**{head: {}})[0].gt_instances
    (x1, y1, x2, y2), mask = (
        instances.bboxes[1].int().tolist(),
        instances.masks.masks[1],
    )
    assert mask.shape == SIZE
    assert mask.sum() == (x2 - x1) * (y2 - y1)


def test_no_masks_for_boxes_alone():
    assert 'masks' not in samples(bbox_head={})[0].gt_instances


def test_stuff():
    (first, _) = samples(roi_head=dict(semantic_head=dict(type='FusedSemanticHead')))
    assert first.gt_sem_seg.sem_seg.shape == (1, 8, 12)
    (first, _) = samples(panoptic_head=dict(num_things_classes=80))
    assert first.gt_sem_seg.sem_seg.shape == (1, 64, 96)
    assert first.gt_sem_seg.sem_seg.min() == 81


def test_proposals_are_for_fast_rcnn_alone():
    assert len(samples(type='FastRCNN')[0].proposals) == 60
    assert 'proposals' not in samples(type='FasterRCNN')[0]
