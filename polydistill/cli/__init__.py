"""The command `polydistill`, one file per subcommand."""
