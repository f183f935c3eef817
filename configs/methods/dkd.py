# DKD: the true class and the others apart, with the weights of the authors' code for
# detection. Builds the teacher's heads.
method = dict(
    _delete_=True, type='DKD', temperature=1.0, alpha=1.0, beta=0.25, loss_weight=1.0
)
