import json

import pytest
from coco_sets import save_as
from mmengine.dataset import BaseDataset, Compose
from mmengine.registry import init_default_scope

from mmreviewkd.datasets import UnlabeledImages, WithUnlabeled
from mmreviewkd.datasets.unlabeled import list_images
from mmreviewkd.errors import UsageError

PIPELINE = [dict(type='LoadImageFromFile'), dict(type='PackDetInputs')]


@pytest.fixture
def folder(tmp_path):
    for name in ('b.png', 'a.JPG', 'deep/c.png'):
        path = tmp_path / 'more' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        save_as('plain', path)
    (tmp_path / 'more/notes.txt').write_text('no image')
    return tmp_path / 'more'


def write_names(path, *names):
    path.write_text(json.dumps(dict(images=[dict(file_name=name) for name in names])))
    return str(path)


def test_samples_say_that_they_are_unlabelled(folder):
    init_default_scope('mmdet')
    dataset = UnlabeledImages(str(folder), PIPELINE)
    assert [dataset[n]['data_samples'].unlabeled for n in range(len(dataset))] == [
        True
    ] * 3
    assert dataset[0]['inputs'].shape == (3, 64, 64)
    assert dataset[2]['data_samples'].img_path == str(folder / 'deep/c.png')


def test_images_that_a_file_names_are_left_out(folder, tmp_path):
    named = [write_names(tmp_path / '1.json', 'deep/c.png')]
    assert list_images(folder) == ['a.JPG', 'b.png', 'deep/c.png']
    assert list_images(folder, named) == ['a.JPG', 'b.png']
    assert len(UnlabeledImages(str(folder), exclude=named)) == 2


def test_folders_without_images(tmp_path):
    with pytest.raises(UsageError, match='is not there'):
        list_images(tmp_path / 'none')
    (tmp_path / 'file').write_text('')
    with pytest.raises(UsageError, match='is a file, no folder'):
        list_images(tmp_path / 'file')
    with pytest.raises(UsageError, match='has no images'):
        list_images(tmp_path)


def test_metainfo_is_that_of_the_labelled(folder):
    init_default_scope('mmdet')
    labeled = UnlabeledImages(str(folder), PIPELINE, metainfo=dict(classes=('a', 'b')))
    more = dict(type='UnlabeledImages', folder=str(folder), pipeline=PIPELINE)
    dataset = WithUnlabeled([labeled, more])
    assert dataset.metainfo == dict(classes=('a', 'b'))
    assert len(dataset) == 6
    assert dataset.get_data_info(4)['img_path'].endswith('b.png')


def test_folder_whose_images_are_all_named(folder, tmp_path):
    """Such as where each has pseudo labels."""
    init_default_scope('mmdet')
    named = [write_names(tmp_path / '1.json', 'a.JPG', 'b.png', 'deep/c.png')]
    none = UnlabeledImages(str(folder), PIPELINE, exclude=named)
    assert len(none) == 0
    labeled = UnlabeledImages(str(folder), PIPELINE, metainfo=dict(classes=('a',)))
    assert len(WithUnlabeled([labeled, none, labeled])) == 6


def test_pipeline_is_switched_for_labelled_images(folder):
    """By hooks that set it during training; the others keep theirs."""
    init_default_scope('mmdet')
    labeled, images = (UnlabeledImages(str(folder), PIPELINE) for _ in range(2))
    labeled.__class__ = BaseDataset
    dataset = WithUnlabeled([labeled, images])
    kept = images.pipeline
    assert dataset.pipeline is labeled.pipeline
    new = Compose(PIPELINE[:1])
    dataset.pipeline = new
    assert dataset.pipeline is labeled.pipeline is new
    assert images.pipeline is kept
