"""Questions put to models on their servers, and their answers."""
