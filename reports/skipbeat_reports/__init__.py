"""What a run produced, for people: summary.json, the HTML page and the tables of the terminal."""
