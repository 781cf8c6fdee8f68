"""Chat Completions: the wire form in which most language models are streamed."""
