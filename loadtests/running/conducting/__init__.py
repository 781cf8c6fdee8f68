"""Who leads a run: ``conductor`` is the whole of it, ``course`` what it does from beginning to end."""
