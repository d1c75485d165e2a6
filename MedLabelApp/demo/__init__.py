"""The demo scans: where they come from, and fetching them."""
