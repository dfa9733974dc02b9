"""What a connection is held to before anybody knows who sends: size, form, time."""
