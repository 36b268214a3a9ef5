"""Pages on this machine's own address, for people to read and to judge."""
