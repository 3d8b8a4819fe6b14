"""Pictures to captions, and pictures of where each word was looked for."""
