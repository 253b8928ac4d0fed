"""Where a text holds a secret: by its shape, by what it is called, by the command or the file that it stands in."""
