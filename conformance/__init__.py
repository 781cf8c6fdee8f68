"""Does a server speak Server-Sent Events right? Probes record, rules judge."""
