"""The HTTP surface of the coordinator: routes, access, problem documents."""
