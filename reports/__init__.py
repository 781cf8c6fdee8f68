"""From a run folder to a report; reads files and nothing else."""
