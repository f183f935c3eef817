from mmreviewkd.names import clock, counted, printable


def test_printable():
    assert printable('größe 数 🦀 $|_%') == 'größe 数 🦀 $|_%'
    assert printable('a\nb\r\x1b[31m\u202e\ud800') == r'a\nb\r\x1b[31m\u202e\ud800'


def test_counted():
    assert [counted(n, 'run') for n in (0, 1, 2)] == ['0 runs', '1 run', '2 runs']
    assert counted(2, 'class', 'classes') == '2 classes'


def test_clock():
    assert [clock(s) for s in (0.4, 59.7, 390, 3720)] == [
        '0:00', '1:00', '6:30', '1 h 02 min'
    ]  # fmt: skip
