"""A person's review of a case: regions and decisions, edits and what protects them."""
