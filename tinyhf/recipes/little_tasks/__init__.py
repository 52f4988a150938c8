"""Recipe · Little tasks: questions about the world of the little tales whose answers are known.

`draws` chooses people and things and keeps some combinations for the test, `gaps`, `sentiment`,
`tags` and `questions` (with `facts`) make examples. `train` makes the bundled models
`little-tales-gaps`, `-sentiment`, `-tagger` and `-answers` from these: `tokenizer` and `rows` turn
them into ids, `scores` and `card` tell how well each model does.
"""
