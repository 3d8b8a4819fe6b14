"""Exports, the embedded server, the client, the web page, TensorFlow Serving's configuration."""
