"""The contract between an exported model, the servers and the clients."""

import subprocess
import sys

from serving import contract


def test_binary_tensors_and_no_others_end_in_bytes():
    for signature in contract.SIGNATURES.values():
        for name, tensor in signature.outputs.items():
            assert name.endswith("_bytes") == (
                tensor.dtype == "string" and name not in (contract.WORDS, contract.CAPTION)
            )


def test_dimension_0_is_the_batch_everywhere():
    for signature in contract.SIGNATURES.values():
        for tensor in (signature.inputs | signature.outputs).values():
            assert tensor.shape.startswith("[B")


def test_it_imports_the_standard_library_only():
    code = "import sys, serving.contract; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
