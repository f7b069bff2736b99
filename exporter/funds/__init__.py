"""What the account that pays for tests holds, how long that lasts, and what is wrong with it."""
