"""Rules on requests that must be refused or borne, and on what users are told."""
