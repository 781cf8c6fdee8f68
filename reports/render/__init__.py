"""One module per form of a report; each is given documents and figures, none reads a run folder."""
