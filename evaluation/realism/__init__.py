"""Whether a simulated seeker is believable."""
