"""The commands, one file each; each file holds a `click.Command` called `command`."""
