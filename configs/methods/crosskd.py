# CrossKD: the student's map from inside its head, through the rest of the teacher's.
# The weights are the authors' for GFL, RetinaNet and ATSS; for FCOS see the class.
detectors = ('GFL', 'RetinaNet', 'FCOS', 'ATSS')
method = dict(_delete_=True, type='CrossKD', rest=1, beta=1.0, loss_weight=1.0)
