"""Floor 6 · A ``LoadStory`` for people, numbered as the stages of ``from_pretrained`` are."""

import textwrap
from collections import Counter

from tinyhf.backend import human_size
from tinyhf.inspection.trace_table import align


def story_text(story):
    """All chapters, each with its lines indented below."""
    numbers = sum(story.placement.counts.values())
    chapters = {
        f"1. The config says what to build: {story.model_class}": about_config(story),
        "2. Which files hold the weights": weight_files(story),
        f"3. The empty model: {len(story.tensors)} parameters, {numbers:,} numbers": "",
        "4. How they are kept, and where": dtype_and_devices(story),
        "5. Shard by shard, tensor by tensor": sources(story),
        "6. How it likes to generate": files_of(story, "generation"),
        "The tokenizer": f"{files_of(story, 'tokenizer')}\n{story.tokenizer}",
    }
    if story.error is not None:
        chapters["from_pretrained would end with"] = str(story.error)
    texts = [f"{title}\n{textwrap.indent(text, '   ')}" for title, text in chapters.items()]
    return "\n\n".join(text.strip() for text in (story.name, *texts))


def about_config(story):
    """Where it was found, and what it chose."""
    return f"{files_of(story, 'config')}\n{story.class_reason}"


def files_of(story, stage):
    """The files that a stage asked for: name, found or not, and where."""
    rows = [(f["file"], f["found"], f["path"] or "") for f in story.files if f["stage"] == stage]
    return align(list(dict.fromkeys(rows)))  # each once: some are asked for again


def weight_files(story):
    """The names tried, then the files that would be read."""
    lines = [
        (
            file["file"],
            file["state"],
            f"{file['tensors'] or '?'} tensors",
            " and ".join(file["dtypes"]),
            "" if file["nbytes"] is None else human_size(file["nbytes"]),
        )
        for file in story.weight_files
    ]
    read = f"\nread in this order:\n{align(lines)}" if lines else ""
    return files_of(story, "weights") + read


def dtype_and_devices(story):
    """The type and the places, with their reasons."""
    free = [
        f"free on {device}: {human_size(count)}"
        for device, count in story.free_memory.items()
        if count is not None
    ]
    stored = {row.stored_dtype for row in story.tensors} - {None}
    files = f" (the files hold {' and '.join(sorted(stored))})" if stored else ""
    dtype = f"{story.dtype}, {story.dtype_reason}{files}"
    return "\n".join([dtype, f"placed {story.device_reason}:", str(story.placement), *free])


def sources(story):
    """How many parameters come from where, then whatever is out of the ordinary."""
    counts = Counter(row.source for row in story.tensors)
    said = {
        "file": "from the files",
        "unread": "from files that are not here, or damaged",
        "tied": "shared with another",
        "new": "in no file in this shape, started anew",
    }
    lines = [f"{counts[source]} {words}" for source, words in said.items() if counts[source]]
    casts = Counter((r.stored_dtype, r.dtype) for r in story.tensors if r.source == "file")
    lines += [f"{n} cast from {a} to {b}" for (a, b), n in casts.items() if a != b]
    lines += [f"{row.name} = {row.tied_to}" for row in story.tensors if row.tied_to]
    starts = Counter(row.first_values for row in story.tensors if row.first_values)
    lines += [f"{count} start as {values}" for values, count in starts.items()]
    return "\n".join([*lines, *story.differences])


def tensor_table(story):
    """A line for every parameter, and for every tensor that is not used."""
    titles = ("name", "shape", "from", "at byte", "bytes", "there", "kept as", "on")
    return align([titles, *map(tensor_line, [*story.tensors, *story.unused])])


def tensor_line(row):
    """One row; what the file calls it stands behind, if that differs."""
    sources = {"tied": f"= {row.tied_to}", "new": f"new: {row.first_values}"}
    source = sources.get(row.source, row.file)
    remarks = [row.stored_name if row.name not in (None, row.stored_name) else None, row.note]
    start, nbytes = ("" if x is None else str(x) for x in (row.start, row.nbytes))
    where = (source, start, nbytes, row.stored_dtype or "", row.dtype or "", row.device or "")
    shape = str(row.shape or row.stored_shape or "").replace(" ", "")
    name = row.name or f"({row.stored_name}, not used)"
    return (name, shape, *where[:-1], " ".join([where[-1], *(f"[{r}]" for r in remarks if r)]))
