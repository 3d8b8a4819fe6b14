"""The options of TensorFlow's Sessions: a ConfigProto from flags and a file."""

from tensorflow.core.protobuf.config_pb2 import ConfigProto
from tensorflow.core.protobuf.rewriter_config_pb2 import RewriterConfig

from serving.server.config.flags import Flags
from serving.server.config.text_proto import read_text_proto


def session_config(flags: Flags) -> ConfigProto:
    """The file's options, overridden by the flags that were given. Raises ConfigError."""
    config = memory_as_needed()
    if flags.tensorflow_session_config_file:
        read_text_proto(flags.tensorflow_session_config_file, config)
    if flags.per_process_gpu_memory_fraction:
        config.gpu_options.per_process_gpu_memory_fraction = flags.per_process_gpu_memory_fraction
        config.gpu_options.allow_growth = False
    _set_threads(config, flags)
    if flags.mixed_precision:
        rewriting = config.graph_options.rewrite_options
        rewriting.auto_mixed_precision_onednn_bfloat16 = RewriterConfig.ON
    return config


def memory_as_needed() -> ConfigProto:
    """TensorFlow's options, but for GPUs: by default it leaves no memory to other processes."""
    config = ConfigProto()
    config.gpu_options.allow_growth = True
    return config


def _set_threads(config: ConfigProto, flags: Flags) -> None:
    both = flags.tensorflow_session_parallelism
    within = flags.tensorflow_intra_op_parallelism
    between = flags.tensorflow_inter_op_parallelism
    if not within and not between:
        within = between = both
    if within:
        config.intra_op_parallelism_threads = within
    if between:
        config.inter_op_parallelism_threads = between
