"""The rules of chat completions; their codes are of the group ``chat``."""
