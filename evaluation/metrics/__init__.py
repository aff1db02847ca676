"""The measures of the field's tables, as pure functions of texts and numbers, each with its source."""
