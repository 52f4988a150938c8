"""Recipe · Little French: the little tales' world in two languages, and a model that translates.

`pairs` says one thing in English and in French: `words` are its tables, `gaps` chooses among them,
`grammar` lets the French agree. `tokenizer_files` cuts the pairs into pieces, `train` makes the
bundled model `little-tales-french` of them, and `card` tests and describes it.
"""
