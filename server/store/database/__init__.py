"""The database: its location, connections, transactions, schema and notices."""
