"""What is kept of a stream: samples, meters, integrity, and the generator's own delay."""
