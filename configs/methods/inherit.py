# Nothing but the start: the teacher's weights that fit, and no loss of distillation.
_base_ = './recommended.py'
method = dict(loss_weight=0.0)
