"""Pages for people: HTML over the same operations, never more than the API can do."""
