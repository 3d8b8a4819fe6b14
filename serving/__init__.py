"""SavedModels, TensorFlow Serving's configuration, an embedded server, a client, the web page."""
