# ReviewKD on standardised targets: one weight serves all teachers.
_base_ = './review.py'
method = dict(standardize_targets=True)
