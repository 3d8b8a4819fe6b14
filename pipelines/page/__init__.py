"""What the report pages share: their style, their parts, and pictures inside the HTML."""
