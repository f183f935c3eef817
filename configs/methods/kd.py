# KD: class scores of the same proposals, softened. Builds the teacher's heads.
method = dict(_delete_=True, type='LogitDistillation', temperature=2.0, loss_weight=1.0)
