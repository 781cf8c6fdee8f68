"""Answers of a language model as the Responses API streams them: the sentences of `spec.md`, and the rules on them."""
