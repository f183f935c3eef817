# FGFI: the teacher's maps near objects, through 3x3 convolutions. The weight of the
# authors' code is 0.01 for the sum over 512 channels, here it is for their mean.
method = dict(_delete_=True, type='FGFI', threshold=0.5, loss_weight=5.0)
