"""Studies of systems trained on photographs: people's ratings, and copies of training pictures."""
