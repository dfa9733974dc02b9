"""What travels over the wire: message types and their strict decoding."""
