"""Names of orchestrators, for people's eyes only: no key, tag or measurement ever holds one."""
