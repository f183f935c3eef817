"""Plain loops that tests of sampling operators compare with."""

import math


def bilinear(image, y, x):
    """The value at (y, x) of a map (H, W), with zeros around it."""
    height, width = image.shape
    top, left = math.floor(y), math.floor(x)
    value = 0.0
    for row, share_y in ((top, top + 1 - y), (top + 1, y - top)):
        for column, share_x in ((left, left + 1 - x), (left + 1, x - left)):
            if 0 <= row < height and 0 <= column < width:
                value += share_y * share_x * float(image[row, column])
    return value
