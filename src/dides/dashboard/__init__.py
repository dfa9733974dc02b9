"""The dashboard: pages for operators with a browser, rendered here and kept live by the stream of events."""
