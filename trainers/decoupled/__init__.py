"""Recipe B: planner and responder as two adapters of one base, against the joint baseline."""
