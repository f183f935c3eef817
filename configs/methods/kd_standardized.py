# KD on standardised logits: how the teacher's scores relate, not their range. The
# authors' weight is 9 at this temperature, for classification alone; this one is that
# of kd.py.
method = dict(
    _delete_=True,
    type='LogitDistillation',
    temperature=2.0,
    standardize=True,
    loss_weight=1.0,
)
