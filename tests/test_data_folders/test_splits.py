import pytest

from mmreviewkd.data_folders.splits import split_folders, split_of


@pytest.mark.parametrize(
    'names, split',
    [
        (['instances_train2017'], 'train'),
        (['instances_Validation'], 'val'),
        (['_annotations.coco', 'valid'], 'val'),
        (['test'], 'test'),
        (['result', ''], None),
        (['trains'], None),
        (['train_val'], None),
        (['val', 'train'], 'val'),
    ],
)
def test_split_of(names, split):
    assert split_of(*names) == split


def test_split_folders(tmp_path):
    for name in ('train', 'valid', 'images'):
        (tmp_path / name).mkdir()
    (tmp_path / 'test').touch()
    assert split_folders(tmp_path) == dict(
        train=tmp_path / 'train', val=tmp_path / 'valid'
    )
