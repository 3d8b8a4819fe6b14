"""SavedModels, TensorFlow Serving's configuration, an embedded server, a gRPC client, and the web page."""
