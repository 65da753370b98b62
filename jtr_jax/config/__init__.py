"""From the command line to frozen settings; nothing beyond it sees ConfigDict."""
