"""The database: where it is, its connections, transactions, schema and notices."""
