from mmengine.registry import DATASETS


def test_images_are_spread_evenly_over_the_whole(cifar):
    # 64 images, 16 of each class in order.
    whole = dict(type='CIFAR100Images', root=str(cifar))
    some = DATASETS.build(dict(type='ImageSubset', dataset=whole, images=4))
    assert [one['data_samples'] for one in some] == [0, 1, 2, 3]
    assert list(some.indices) == [0, 21, 42, 63]
    assert some.metainfo['classes'] == ('black', 'dark', 'light', 'white')


def test_no_image_is_taken_twice(cifar):
    whole = dict(type='CIFAR100Images', root=str(cifar), train=False)
    some = DATASETS.build(dict(type='ImageSubset', dataset=whole, images=100))
    assert list(some.indices) == list(range(16))
