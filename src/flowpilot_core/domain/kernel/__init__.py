"""The ground that all areas stand on."""
