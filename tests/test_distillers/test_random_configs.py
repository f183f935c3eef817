"""Configs of distilled models with random values in random places."""

import copy

import toys
from hypothesis import event, given, settings
from hypothesis import strategies as st

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 99),
    st.floats(allow_nan=True),
    st.text(max_size=5),
    st.sampled_from(['backbone', 'neck', 'backbone.layer3', 'random', 'nearest']),
    st.lists(st.integers(-1, 64), max_size=4),
    st.lists(st.tuples(st.integers(-1, 6), st.integers(-1, 6)), max_size=4),
    st.just({}),
)
PLACES = st.sampled_from(
    [
        *(('student',), ('teacher',), ('distillation',), ('teacher_checkpoint',)),
        *(('teacher_dtype',), ('teacher_features',), ('student_features',)),
        *(('levels',), ('resize',), ('teachers',), ('inherit',), ('frozen',)),
        *(('non_finite',), ('distillation', 'connector'), ('distillation', 'loss')),
        *(('distillation', 'type'), ('distillation', 'loss_weight')),
        *(('distillation', 'in_channels'), ('distillation', 'out_channels')),
        *(('distillation', 'connector', 'mid_channels'), ('student', 'neck')),
        ('distillation', 'connector', 'fusion'),
    ]
)


@given(st.lists(st.tuples(PLACES, VALUES), min_size=1, max_size=3))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_built_or_refused(edits):
    config = copy.deepcopy(CONFIG)
    for (*parents, last), value in edits:
        part = config
        for key in parents:
            part = part.get(key) if isinstance(part, dict) else None
        if isinstance(part, dict):
            part[last] = value
    try:
        model = toys.build(config)
    except Exception as error:
        event(type(error).__name__)
        assert len(str(error)) > 10
    else:
        assert hasattr(model, 'distillation')


CONFIG = toys.distilled('random')
