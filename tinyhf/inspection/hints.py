"""Floor 6 · What a pattern of differences is known for.

``compare`` asks for the first stage that differs: what comes after it is a consequence.
"""

import numpy

from tinyhf.inspection.evidence import Evidence
from tinyhf.inspection.hints_of_inputs import (
    broken_numbers,
    counted_from_elsewhere,
    float64_leak,
    one_token_more,
    padded_on_the_other_side,
    shifted_table,
    who_sees_whom,
)
from tinyhf.inspection.hints_of_layers import (
    activation_of_the_other,
    another_eps,
    another_scale,
    other_rotary_pairs,
    permuted_heads,
    same_vector_everywhere,
    swapped_with_another,
    transposed_weight,
)

#: Those that need no arrays of one shape.
HINTS_ABOUT_IDS = (one_token_more, padded_on_the_other_side)
#: The first whose test holds speaks.
HINTS = (
    *HINTS_ABOUT_IDS,
    broken_numbers,
    float64_leak,
    counted_from_elsewhere,
    shifted_table,
    who_sees_whom,
    other_rotary_pairs,
    permuted_heads,
    another_eps,
    transposed_weight,
    swapped_with_another,
    activation_of_the_other,
    another_scale,
    same_vector_everywhere,
)


def find_hint(stage, left, right):
    """The sentence of the first hint that fits ``stage``, or None."""
    evidence = Evidence(stage, left, right)
    tests = HINTS_ABOUT_IDS if evidence.a is None else HINTS
    with numpy.errstate(all="ignore"):
        return next((found for test in tests if (found := test(evidence))), None)
