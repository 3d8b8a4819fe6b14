"""The DRAW recurrence: attention windows, one step, its unrolling over T steps."""
