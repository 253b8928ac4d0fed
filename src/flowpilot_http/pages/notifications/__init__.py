"""Pages of notifications: wanting no more mails."""
