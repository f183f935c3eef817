import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmreviewkd.features import Feature, match_levels

P2_TO_P6 = [4, 8, 16, 32, 64]
P3_TO_P7 = [8, 16, 32, 64, 128]


def levels_of(strides):
    return [Feature('neck', n, 8, stride) for n, stride in enumerate(strides)]


def match(student, teacher, levels=None, resize=None):
    return match_levels(levels_of(student), levels_of(teacher), levels, resize)


@pytest.mark.parametrize(
    'student, teacher, levels, expected',
    [
        (P2_TO_P6, P2_TO_P6, None, [(i, i) for i in range(5)]),
        # Those that both have, where no one says which.
        (P3_TO_P7, P2_TO_P6, None, [(0, 1), (1, 2), (2, 3), (3, 4)]),
        # YOLOv3 lists its levels from the coarsest; the review begins there.
        ([32, 16, 8], [32, 16, 8], None, [(2, 2), (1, 1), (0, 0)]),
        ([8, 16, 32], [32, 16, 8], None, [(0, 2), (1, 1), (2, 0)]),
        ([32, 16, 8], [8, 16, 32], [(0, 2), (1, 1), (2, 0)], [(2, 0), (1, 1), (0, 2)]),
        (P3_TO_P7, P2_TO_P6, [8, 16, 32, 64], [(0, 1), (1, 2), (2, 3), (3, 4)]),
        (P2_TO_P6, P3_TO_P7, [16, 8], [(1, 0), (2, 1)]),
        # Hourglass networks: two maps of one stride.
        ([4, 4], [4, 4], None, [(0, 0), (1, 1)]),
        # The extra levels of SSD are convolved without padding.
        ([8, 16, 64, 64], [8, 16, 64, 128], None, [(0, 0), (1, 1), (2, 2)]),
        # A pooled vector is a level without a stride.
        ([8, None], [8, None], None, [(0, 0), (1, 1)]),
        ([None, 8], [8, None], None, [(1, 0), (0, 1)]),
    ],
)
def test_matching(student, teacher, levels, expected):
    assert match(student, teacher, levels) == expected


@pytest.mark.parametrize(
    'student, teacher, levels, expected',
    [
        # A vision transformer has one stride for all levels of a pyramid.
        (P2_TO_P6, [16], None, [(i, 0) for i in range(5)]),
        ([4, 8], [3, 6], None, [(0, 0), (1, 1)]),
        # 8 is as far from 4 as from 16: the finer one.
        ([8], [16, 4], None, [(0, 1)]),
        (P2_TO_P6, [16], [8, 32], [(1, 0), (3, 0)]),
        ([4, 8], [8, 16], [(0, 0), (1, 1)], [(0, 0), (1, 1)]),
    ],
)
def test_resized_levels_are_matched_by_the_nearest_stride(
    student, teacher, levels, expected
):
    assert match(student, teacher, levels, 'nearest') == expected


@pytest.mark.parametrize(
    'student, teacher, levels, message',
    [
        ([4, 8], [3, 6], None, r"no level of the same stride.*model.resize='nearest'"),
        ([4, 8], [3, 6], None, r'levels=\[\(0, 0\)'),
        (P3_TO_P7, P2_TO_P6, [4, 8], r'of stride 4\n.*Both have \[8, 16, 32, 64\]'),
        (P3_TO_P7, P2_TO_P6, [(0, 0)], r'different strides: neck\[0\] \(stride 8'),
        (P2_TO_P6, P2_TO_P6, [(0, 0), (4, 5)], r"teacher's levels \[0, 5\], .* has 5"),
        (P2_TO_P6, P2_TO_P6, [(-1, 0)], r"student's levels \[-1\]"),
        (P2_TO_P6, P2_TO_P6, [True], 'has to be strides'),
        (P2_TO_P6, P2_TO_P6, [], 'has to be strides'),
        (P2_TO_P6, P2_TO_P6, 8, 'has to be strides'),
    ],
)
def test_what_does_not_fit_is_told(student, teacher, levels, message):
    with pytest.raises(ValueError, match=f'(?s){message}'):
        match(student, teacher, levels)


def test_errors_show_both_lists():
    with pytest.raises(ValueError) as error:
        match([4, 8], [3, 6])
    for stride in (4, 8, 3, 6):
        assert f'stride {stride}' in str(error.value)


def test_unknown_kind_of_resizing():
    with pytest.raises(ValueError, match="resize is 'bilinear', but .* nearest, pool"):
        match([8], [8], resize='bilinear')


def test_levels_that_only_one_model_has_are_told(monkeypatch):
    said = []
    monkeypatch.setattr(
        'mmreviewkd.features.levels.print_log', lambda text, **_: said.append(text)
    )
    match(P2_TO_P6, P2_TO_P6)
    assert not said
    match(P3_TO_P7, P2_TO_P6)
    (text,) = said
    assert 'only those of the strides 8, 16, 32, 64' in text
    assert 'stride 128' in text and 'stride 4,' in text


strides = st.lists(
    st.sampled_from([None, 4, 8, 16, 32, 64, 100]), min_size=1, max_size=6
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 200) | st.text(max_size=2),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=8,
)


@given(strides, strides, anything, st.sampled_from([None, 'nearest', 'pool']))
def test_pairs_are_sound_or_refused_with_a_sentence(student, teacher, levels, resize):
    try:
        pairs = match(student, teacher, levels, resize)
    except ValueError as error:
        assert len(str(error)) > 20
        return
    assert pairs
    own = [student[number] for number, _ in pairs]
    others = [teacher[number] for _, number in pairs]
    if not resize:
        assert own == others
    finest_first = sorted(own, key=lambda stride: stride or float('inf'))
    assert own == finest_first


@pytest.mark.parametrize('resize', ['nearest', 'pool'])
def test_a_vector_is_not_resized_to_a_map(resize):
    """Such as the logits of a classifier."""
    maps, logits = levels_of([8, 16]), [Feature('backbone', 0, 1000, layout='NC')]
    for both in ((maps, logits), (logits, maps)):
        with pytest.raises(ValueError, match='a map and a vector .*\n.*\n.*\nName mod'):
            match_levels(*both, resize=resize)
    assert match_levels(logits, logits, resize=resize) == [(0, 0)]


@pytest.mark.parametrize('who', ['student', 'teacher'])
def test_what_is_no_feature_is_not_compared(who):
    other = [Feature('encoder', 0, 6, layout='?')]
    good = [Feature('encoder', 0, 6, layout='NC')]
    both = (other, good) if who == 'student' else (good, other)
    with pytest.raises(ValueError, match=rf'encoder\[0\].* of the {who} is neither'):
        match_levels(*both)
