"""Text a hostile server may send; every form of a report must show it and do nothing else."""

MARKUP = "</pre></script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
TERMINAL = "\x1b[2J\x1b]0;owned\x07\x9b31m\b\b"
INVISIBLE = "\u202e\u200b\u2028\u2029\ufeff\u0085"
INVALID_XML = "\x00\x01\x0b\ufffe\uffff\ud800"
MARKDOWN = "```\n````\n# owned\n| a | b |\n[x](javascript:alert(1)) <!-- @everyone $x$"
TEMPLATE = "{{ 7 * 7 }} {% include '/etc/passwd' %} [bold red]owned[/] %s {0}"
LINE_ENDS = "a\r\nb\rc\nd"

EVERYTHING = MARKUP + TERMINAL + INVISIBLE + INVALID_XML + MARKDOWN + TEMPLATE + LINE_ENDS
