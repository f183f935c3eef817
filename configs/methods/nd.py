# ND: norm and direction of the objects' vectors. ReviewKD++ is review_nd.py.
method = dict(_delete_=True, type='NormDirection', loss_weight=1.0)
