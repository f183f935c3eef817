"""The published code's review, from the golden numbers."""

from collections.abc import Mapping

from torch import Tensor

from mmreviewkd.connectors import ReviewConnector

_PARTS = dict(conv1='project.conv', bn1='project.bn', attention='attention')
_PARTS |= dict(conv2='output.conv', bn2='output.bn')


def golden_maps(values: Mapping[str, Tensor]) -> tuple[list[Tensor], list[Tensor]]:
    """Give the student's maps, which are to get gradients, and the teacher's."""
    count = sum(name.startswith('student') for name in values)
    feats = [values[f'student{i}'].requires_grad_() for i in range(count)]
    return feats, [values[f'teacher{i}'] for i in range(count)]


def golden_connector(
    values: Mapping[str, Tensor], **options
) -> tuple[ReviewConnector, dict[str, str]]:
    """Build the connector with their weights; give our names by the reference's too.

    It has the precision and the device of the values.
    """
    feats, targets = golden_maps(values)
    weight = values['level0.conv1.weight']
    connector = ReviewConnector(
        [feat.shape[1] for feat in feats],
        [target.shape[1] for target in targets],
        mid_channels=weight.shape[0],
        **options,
    ).to(weight)
    ours = {}
    for name in values:
        if name.startswith('level'):
            level, part, parameter = name.split('.')
            ours[name] = f'levels.{level[5:]}.{_PARTS[part]}.{parameter}'
    missing, unexpected = connector.load_state_dict(
        {ours[name]: values[name] for name in ours}, strict=False
    )
    assert not unexpected
    assert all('num_batches_tracked' in name for name in missing)
    return connector, ours
