"""What support works from: the tickets that wait, and how long resolutions take."""
