"""What needs Qt and the desktop application, except for the panels."""
