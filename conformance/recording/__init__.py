"""Talks to the server and keeps what happens: the only network code, and the transcripts as values and files."""
