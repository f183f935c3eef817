# ND: norm and direction of the objects' vectors. ReviewKD++ is review_nd.py. The
# authors' weights for Faster R-CNN are 1.0 to 1.5.
method = dict(_delete_=True, type='NormDirection', loss_weight=1.0)
