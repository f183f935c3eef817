from mmreviewkd.tables import markdown


def test_columns_are_as_wide_as_their_longest_cell():
    assert markdown([['', 'AP'], ['student', '31.5'], ['a|b', '-']]).splitlines() == [
        '|         |   AP |',
        '| ------- | ---: |',
        '| student | 31.5 |',
        r'| a\|b    |    - |',
    ]


def test_narrow_columns():
    assert markdown([['', 'n'], ['a', '1']]).splitlines()[1] == '| --- | --: |'
