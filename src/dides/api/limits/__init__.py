"""How much one sender may have: requests, changes, wrong credentials, connections."""
