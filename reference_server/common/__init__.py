"""What the healthy servers share: the log with cursors, the encoder, who may read, refusals, the process."""
