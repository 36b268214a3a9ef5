"""People judge blinded pairs on a local page."""
