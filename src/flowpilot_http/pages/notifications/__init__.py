"""Pages of notifications: wanting no more mails, and the settings of who is told how."""
