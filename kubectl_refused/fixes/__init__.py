"""How a change is said: a command that works as printed, in the object that owns it."""
