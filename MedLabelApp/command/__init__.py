"""The medlabel command."""
