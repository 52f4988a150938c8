"""Floor 3 · Random values for a parameter that no checkpoint holds.

Mirrors _init_weights of transformers/modeling_utils.py.
"""

import numpy


def initial_values(name, shape, std, generator, padding_idx=None):
    """The start of one parameter, as a float32 array on the host.

    Biases are zero, norms one; matrices and tables normal with deviation ``std``, where the row of
    the padding token is zero.
    """
    if name.endswith("bias"):
        return numpy.zeros(shape, numpy.float32)
    if len(shape) == 1:  # the only other vectors are the weights of norms
        return numpy.ones(shape, numpy.float32)
    values = generator.normal(shape, 0.0, std)
    if padding_idx is not None:
        values[padding_idx] = 0.0
    return values
