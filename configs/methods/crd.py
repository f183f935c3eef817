# CRD: each object's vector told from those of the other objects. The weight is the one
# of the authors' code for classification.
method = dict(_delete_=True, type='CRD', loss_weight=0.8)
