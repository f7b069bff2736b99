"""From the rows of a store to scores, ranks and the legacy API's shapes."""
