"""What the HTML reports share: style, template parts, images embedded in the page."""
