"""The arrays that the paper's authors published."""
