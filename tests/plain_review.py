"""ABF and HCL of the paper in NumPy, pixel by pixel: what the tests compare with."""

import numpy as np


def plain_review(state, feats, sizes, training):
    """The maps to compare, finest level first.

    Args:
        state (dict[str, np.ndarray]): Weights by the connector's names.
        feats (list[np.ndarray]): The student's maps (N, C_i, H_i, W_i).
        sizes (list[tuple[int, int]]): Of the teacher's maps.
        training (bool): Whether batch norm takes the batch's statistics.
    """
    outs, residual = [], None
    for level in reversed(range(len(feats))):

        def conv_norm(x, part, level=level):
            name = f'levels.{level}.{part}'
            x = convolve(x, state[f'{name}.conv.weight'])
            return normalise(x, state, f'{name}.bn', training)

        fused = conv_norm(feats[level], 'project')
        if residual is not None:
            residual = nearest(residual, fused.shape[2:])
            name = f'levels.{level}.attention'
            both = np.concatenate([fused, residual], axis=1)
            scores = convolve(both, state[f'{name}.weight'])
            scores += state[f'{name}.bias'][:, None, None]
            attention = 1 / (1 + np.exp(-scores))
            fused = attention[:, :1] * fused + attention[:, 1:] * residual
        residual = nearest(fused, sizes[level])
        outs.insert(0, conv_norm(residual, 'output'))
    return outs


def plain_hcl(pred, target):
    """The loss of one level, maps (N, C, H, W)."""
    height, width = pred.shape[2:]
    terms, weights = [((pred - target) ** 2).mean()], [1.0]
    for side in (4, 2, 1):
        if side < height:
            terms.append(((pool(pred, side) - pool(target, side)) ** 2).mean())
            weights.append(weights[-1] / 2)
    return np.dot(weights, terms) / sum(weights)


def convolve(x, weight):
    """With as much padding as keeps the size."""
    side = weight.shape[-1]
    edge = side // 2
    weights = weight.reshape(len(weight), -1).T
    padded = np.pad(x, [(0, 0), (0, 0), (edge, edge), (edge, edge)])
    out = np.empty((len(x), len(weight), *x.shape[2:]))
    for row in range(x.shape[2]):
        for column in range(x.shape[3]):
            patch = padded[:, :, row : row + side, column : column + side]
            out[:, :, row, column] = patch.reshape(len(x), -1) @ weights
    return out


def normalise(x, state, name, training):
    """Batch normalisation."""
    out = np.empty_like(x)
    for channel in range(x.shape[1]):
        mean = state[f'{name}.running_mean'][channel]
        variance = state[f'{name}.running_var'][channel]
        if training:
            mean, variance = x[:, channel].mean(), x[:, channel].var()
        normal = (x[:, channel] - mean) / np.sqrt(variance + 1e-5)
        weight, bias = state[f'{name}.weight'], state[f'{name}.bias']
        out[:, channel] = weight[channel] * normal + bias[channel]
    return out


def nearest(x, size):
    """Each pixel is that of the same place in the map."""
    out = np.empty((*x.shape[:2], *size))
    for row in range(size[0]):
        for column in range(size[1]):
            source = row * x.shape[2] // size[0], column * x.shape[3] // size[1]
            out[:, :, row, column] = x[:, :, source[0], source[1]]
    return out


def pool(x, side):
    """Means over a grid of cells, which share pixels where they do not fit."""
    height, width = x.shape[2:]
    out = np.empty((*x.shape[:2], side, side))
    for row in range(side):
        for column in range(side):
            rows = slice(row * height // side, -(-(row + 1) * height // side))
            columns = slice(column * width // side, -(-(column + 1) * width // side))
            out[:, :, row, column] = x[:, :, rows, columns].mean((2, 3))
    return out
