"""The audit log: records chained by hashes."""
