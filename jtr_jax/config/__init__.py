"""From the command line to frozen settings; ConfigDict stays in here."""
