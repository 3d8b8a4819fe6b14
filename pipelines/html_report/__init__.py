"""What the HTML reports share: style, parts, images inside the page."""
