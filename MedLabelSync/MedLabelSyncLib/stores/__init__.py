"""The stores that labels are pushed to, behind one interface."""
