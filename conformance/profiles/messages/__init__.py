"""Answers of a language model as the Messages API streams them: the sentences of `spec.md`, and the rules on them."""
