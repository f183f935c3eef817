"""Where the student's dense head expects objects."""

from typing import Any

from mmdet.models.detectors import BaseDetector


def prior_generator(student: BaseDetector) -> Any:
    """Find the generator of the student's anchors or points.

    Args:
        student (:obj:`BaseDetector`): A detector with an RPN or a dense box head.

    Returns:
        The generator; it knows the strides of the levels of the student's neck.

    Raises:
        ValueError: If there is none.
    """
    head = getattr(student, 'rpn_head', None) or getattr(student, 'bbox_head', None)
    generator = getattr(head, 'prior_generator', None)
    if generator is None:
        raise ValueError(
            f'{type(student).__name__} has neither an RPN nor a box head with a '
            'prior_generator, which tells the strides of its levels; choose a '
            'distillation of whole maps'
        )
    return generator
