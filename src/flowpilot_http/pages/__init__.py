"""Pages for people, rendered here and complete in themselves: they load nothing from anywhere."""
