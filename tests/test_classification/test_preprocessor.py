"""Normalisation, shifts and flips of a batch."""

import torch
import torch.nn.functional as F

from mmreviewkd.classification import ImageBatchPreprocessor

MEAN, STD = [1.0, 2.0, 3.0], [2.0, 4.0, 5.0]


def test_images_are_normalised_with_the_channels_last():
    images = torch.randint(256, (2, 3, 4, 6), dtype=torch.uint8)
    data = dict(inputs=images, data_samples=torch.tensor([1, 2]))
    out = ImageBatchPreprocessor(MEAN, STD, max_shift=2, flip=1.0)(data)
    mean, std = (torch.tensor(x).view(3, 1, 1) for x in (MEAN, STD))
    torch.testing.assert_close(out['inputs'], (images.float() - mean) / std)
    assert out['inputs'].is_contiguous(memory_format=torch.channels_last)
    assert out['data_samples'].tolist() == [1, 2]


def test_training_takes_crops_of_the_padded_image_and_of_its_mirror_image():
    torch.manual_seed(0)
    images = torch.randint(1, 256, (64, 3, 4, 6), dtype=torch.uint8)
    found = ImageBatchPreprocessor(MEAN, STD, max_shift=1, flip=0.5).augment(images)
    assert found.shape == images.shape
    seen = set()
    for image, crop in zip(images, found, strict=True):
        # Padding is symmetric, so flipping and cropping may be done in this order.
        for flipped, source in enumerate((image, image.flip(2))):
            padded = F.pad(source, (1, 1, 1, 1))
            seen |= {
                (down, right, flipped)
                for down in range(3)
                for right in range(3)
                if torch.equal(padded[:, down : down + 4, right : right + 6], crop)
            }
    # Each image was found, and nearly all of the 18 ways were seen.
    assert len(seen) > 14


def test_without_augmentation_training_changes_nothing():
    images = torch.randint(256, (3, 3, 5, 5), dtype=torch.uint8)
    data = dict(inputs=images, data_samples=None)
    preprocessor = ImageBatchPreprocessor(MEAN, STD)
    both = [preprocessor(dict(data), training)['inputs'] for training in (True, False)]
    torch.testing.assert_close(*both, rtol=0, atol=0)


def test_flips_all_with_probability_one():
    images = torch.randint(256, (3, 3, 5, 5), dtype=torch.uint8)
    found = ImageBatchPreprocessor(MEAN, STD, flip=1.0).augment(images)
    assert torch.equal(found, images.flip(3))
