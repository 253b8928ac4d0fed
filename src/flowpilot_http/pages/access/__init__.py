"""Pages of access: signing in, accepting an invitation, and the settings of people and of the account."""
