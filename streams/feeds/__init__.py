"""Partners' feeds: which facts enter one, and what of them is shown when they are delivered."""
