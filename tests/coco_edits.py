"""Edits of a sound annotation file, for tests with hypothesis."""

import json

from hypothesis import strategies as st

_ODD = [-1, 1e308, 10**400, float('nan'), True, '\0', '\ud800', 'x' * 9999, [[]], {}]
_VALUES = st.sampled_from(_ODD) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
_KINDS = st.sampled_from(['images', 'annotations', 'categories'])
_KEYS = st.sampled_from(
    'id file_name width height image_id category_id bbox area iscrowd name '
    'segmentation'.split()
)


def coco_edits():
    """A few edits: (places of what is edited, its new value or None to take it away).

    A place is a list, an entry of one, or a field of an entry.
    """
    places = st.one_of(
        st.tuples(_KINDS),
        st.tuples(_KINDS, st.integers(0, 3)),
        st.tuples(_KINDS, st.integers(0, 3), _KEYS),
        st.tuples(st.just('annotations'), st.integers(0, 3), st.just('bbox')),
    )
    edit = st.tuples(places, st.none() | st.tuples(_VALUES))
    return st.lists(edit, min_size=1, max_size=3)


def write_edited(root, edits, split='val'):
    """Edit the file of :func:`coco_sets.write_coco` as it was at first."""
    path = root / f'annotations/instances_{split}.json'
    original = path.with_suffix('.original')
    if not original.exists():
        original.write_text(path.read_text())
    coco = json.loads(original.read_text())
    for (*parents, last), new in edits:
        part = coco
        try:
            for key in parents:
                part = part[key]
            if new is None:
                del part[last]
            else:
                part[last] = new[0]
        except (KeyError, IndexError, TypeError):
            pass  # An edit before has taken it away.
    path.write_text(json.dumps(coco))
