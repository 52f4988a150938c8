"""Floor 7 · What belongs together: tokens of a word, words of a name, finds of two windows.

Mirrors group_entities and its neighbours in transformers/pipelines/token_classification.py.
"""


def words_of(tokens):
    """The tokens of each word, as lists."""
    words = []
    for token in tokens:
        if words and token["is_subword"]:
            words[-1].append(token)
        else:
            words.append([token])
    return words


def kind_of(entity):
    """("B", "LOC") of the label "B-LOC"; a label without such a start goes on with its like."""
    label = entity["entity"]
    return (label[0], label[2:]) if label[:2] in ("B-", "I-") else ("I", label)


def neighbours_of_a_kind(entities):
    """Neighbours of the same kind, as lists; a label that starts with B- starts a new one."""
    groups = []
    for entity in entities:
        begins, kind = kind_of(entity)
        if groups and begins != "B" and kind == kind_of(groups[-1][-1])[1]:
            groups[-1].append(entity)
        else:
            groups.append([entity])
    return groups


def aggregate_overlapping_entities(entities):
    """Of entities that two windows both found, the longer one, or else the surer one."""
    kept = []
    for entity in sorted(entities, key=lambda one: one["start"]):
        if not kept or entity["start"] >= kept[-1]["end"]:
            kept.append(entity)
        elif length_and_score(entity) > length_and_score(kept[-1]):
            kept[-1] = entity
    return kept


def length_and_score(entity):
    """What decides between two entities in the same place."""
    return entity["end"] - entity["start"], entity["score"]
