"""From the command line to frozen settings; ConfigDict is used only here."""
