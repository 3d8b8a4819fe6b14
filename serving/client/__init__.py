"""The client: TensorFlow Serving's protocol without importing TensorFlow."""
