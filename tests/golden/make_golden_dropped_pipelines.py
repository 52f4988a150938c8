"""Makes dropped_pipelines.json: answers of transformers 4, the last that has these tasks.

Run with transformers==4.57.1 and PyTorch: ``python -m tests.golden.make_golden_dropped_pipelines``.
The models are those of tests/tiny_tasks.py; each case is a folder, a task, a call and its answer.
"""

import json
import tempfile
from pathlib import Path

import numpy

from tests.tiny_tasks import CONTEXT, QUESTION, question_answerer, writer

GOLDEN = Path(__file__).parent / "dropped_pipelines.json"

ACCENTS = "He: the cat. HE: “Ünïcode”, a  cat!"
EXAMPLES = [
    {"question": QUESTION, "context": CONTEXT * 3},
    {"question": "Who gave it milk?", "context": ACCENTS},
]
WINDOWS = [
    {},
    {"top_k": 5},
    {"top_k": 7, "align_to_words": False},
    {"max_seq_len": 34, "doc_stride": 6, "top_k": 4},
    {"max_seq_len": 30, "doc_stride": 0, "max_answer_len": 3, "top_k": 6},
    {"max_seq_len": 32, "doc_stride": 9, "handle_impossible_answer": True, "top_k": 9},
    {"max_seq_len": 60, "padding": "max_length", "top_k": 3, "handle_impossible_answer": True},
]
FORMS = [
    {"question": ["Where is it?", "who?"], "context": CONTEXT},
    {"question": ["Where is it?", "who?"], "context": [CONTEXT, ACCENTS], "top_k": 2},
    {"question": ["who?"], "context": [CONTEXT]},
]
TASKS = {
    "translation_en_to_fr": {"prefix": "translate English to French: ", "num_beams": 2},
    "summarization": {"prefix": "summarize: ", "min_length": 4, "no_repeat_ngram_size": 2},
}
TEXTS = ["hello world", ["hello", "Once upon a time there was a little fox"], ["hello"]]
LENGTHS = [
    {"max_new_tokens": 12, "num_beams": 1},
    {"max_new_tokens": 5},
    {"max_new_tokens": 9, "num_beams": 3, "num_return_sequences": 2},
    {"max_new_tokens": 5, "return_tensors": True},
]
NAMES = ("text2text-generation", "summarization", "translation", "translation_en_to_fr")


def make_folder(name, where):
    """A folder of tests/tiny_tasks.py, by the name that the cases call it."""
    if name in ("Bert", "Roberta"):
        return question_answerer(where, name)
    return writer(where, name, task_specific_params=TASKS)


def cases():
    """(folder, task, positional arguments, keywords)."""
    answering = [{**example, **options} for example in EXAMPLES for options in WINDOWS]
    for family in ("Bert", "Roberta"):
        for call in [*answering, *FORMS]:
            yield family, "question-answering", [], call
    for variant in ("t5", "bart"):
        for task in NAMES:
            for text in TEXTS:
                for call in LENGTHS:
                    yield variant, task, [text], call


def plain(answer):
    """Tensors as lists."""
    if isinstance(answer, list):
        return [plain(one) for one in answer]
    return {n: numpy.asarray(v).tolist() if "ids" in n else v for n, v in answer.items()}


def main():
    import transformers

    pipes, stored = {}, []
    with tempfile.TemporaryDirectory() as temporary:
        for folder, task, given, call in cases():
            if (folder, task) not in pipes:
                path = make_folder(folder, Path(temporary) / folder)
                pipes[folder, task] = transformers.pipeline(task, model=str(path))
            answer = plain(pipes[folder, task](*given, **call))
            case = {"folder": folder, "task": task, "given": given, "call": call, "answer": answer}
            stored.append(json.dumps(case, ensure_ascii=False))
    GOLDEN.write_text("[\n" + ",\n".join(stored) + "\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
