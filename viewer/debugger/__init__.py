"""Reading runs on local pages: what was said and thought, on which way, and what if."""
