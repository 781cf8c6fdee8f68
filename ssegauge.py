"""ssegauge: conformance suite and load harness for Server-Sent Events servers."""
