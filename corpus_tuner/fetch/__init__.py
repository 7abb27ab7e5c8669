"""A locator becomes Documents: each source claims its own kind of place."""
