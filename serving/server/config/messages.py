"""The configuration messages that tensorflow-serving-api lacks: batching, monitoring, TLS.

Names, numbers and types are those of TensorFlow Serving's .proto files, so that the same text files
configure either server.
"""

from serving.proto_classes import message_classes

_INT64_VALUE = ".google.protobuf.Int64Value"
_STRING_VALUE = ".google.protobuf.StringValue"

_classes = message_classes(
    "tensorflow.serving",
    {
        "BatchingParameters": {
            "max_batch_size": (1, _INT64_VALUE),
            "batch_timeout_micros": (2, _INT64_VALUE),
            "max_enqueued_batches": (3, _INT64_VALUE),
            "num_batch_threads": (4, _INT64_VALUE),
            "thread_pool_name": (5, _STRING_VALUE),
            "allowed_batch_sizes": (6, "repeated int64"),
            "pad_variable_length_inputs": (7, "bool"),
        },
        "PrometheusConfig": {"enable": (1, "bool"), "path": (2, "string")},
        "MonitoringConfig": {"prometheus_config": (1, "PrometheusConfig")},
        "SSLConfig": {
            "server_key": (1, "string"),
            "server_cert": (2, "string"),
            "custom_ca": (3, "string"),
            "client_verify": (4, "bool"),
        },
    },
)

BatchingParameters = _classes["BatchingParameters"]
MonitoringConfig = _classes["MonitoringConfig"]
SSLConfig = _classes["SSLConfig"]
