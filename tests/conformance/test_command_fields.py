"""Commands in the mesh's own contract, which `make gen` completes from CommandService."""

import re

from deploy.command_fields import PROTO, complete
from mesh.contract.published import contract_files


def test_the_contract_has_a_field_for_each_command() -> None:
    """`make gen` has nothing to add to what is committed, and changes nothing that is there."""
    assert complete(PROTO.read_text(), contract_files()) == PROTO.read_text()


def test_a_new_command_gets_the_next_free_number() -> None:
    """The same in request and answer, at the end of each oneof; the file of its messages is imported once."""
    text = re.sub(r"    // See CommandService.\n    \S+ (clear_cache|reserve_now) = \d+;\n", "", PROTO.read_text())
    text = text.replace('import "csms/station/v1/reservation.proto";\n', "")
    completed = complete(text, contract_files())
    [request, answer] = (int(number) for number in re.findall(r"ClearCacheRe\w+ clear_cache = (\d+);", completed))
    assert request == answer
    assert re.findall(r"ReserveNowRe\w+ reserve_now = (\d+);", completed) == [str(request + 1)] * 2
    used = [int(number) for number in re.findall(r" = (\d+);", text.partition("message CloseSocketsRequest")[0])]
    assert request == max(used) + 1
    assert completed.count('import "csms/station/v1/reservation.proto";') == 1
    assert complete(completed, contract_files()) == completed
