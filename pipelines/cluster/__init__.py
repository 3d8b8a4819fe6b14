"""The commands on many machines, placed and restarted by Ray; and files for people's clusters."""
