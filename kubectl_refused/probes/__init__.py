"""How facts are learnt that objects do not tell; one file per witness."""
