"""Under the store: tables, records, statements and the opening of a database."""
