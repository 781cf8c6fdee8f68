"""Any event stream: what its readers may rely on whatever it tells. The rules are the general ones."""
