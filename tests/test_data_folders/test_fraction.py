import pytest

from mmreviewkd.data_folders import DataError
from mmreviewkd.data_folders.fraction import divide, divide_coco


@pytest.mark.parametrize(
    'number, share, drawn', [(10, 0.2, 2), (10, 0.01, 1), (2, 0.99, 1)]
)
def test_divide(number, share, drawn):
    items = list(range(number))
    left, taken = divide(items, share)
    assert len(taken) == drawn and sorted(left + taken) == items
    assert left == sorted(left) and taken == sorted(taken)
    assert divide(items, share) == (left, taken)


def test_one_image():
    with pytest.raises(DataError, match='one image cannot be divided'):
        divide(['a'], 0.5)


def test_annotations_go_with_their_images():
    content = dict(
        images=[dict(id=i) for i in range(4)],
        annotations=[dict(id=i, image_id=i // 2) for i in range(8)],
        categories=[dict(id=1, name='cat')],
    )
    parts = divide_coco(content, 0.25)
    assert [len(part['images']) for part in parts] == [3, 1]
    for part in parts:
        ids = {image['id'] for image in part['images']}
        assert {ann['image_id'] for ann in part['annotations']} == ids
        assert part['categories'] == content['categories']
