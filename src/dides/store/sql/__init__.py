"""The statements that both databases share."""
