# AMD: MGD that hides what the teacher attends to.
_base_ = './mgd.py'
method = dict(connector=dict(mask='attention'))
