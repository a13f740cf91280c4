"""Signs that a station's clock is wrong (quirk 12), for all code that reads its times."""

from mesh.runtime.times import SECOND_US

# OCPP 1.6 was published in October 2015: the clock of a station with an earlier time is wrong.
EARLIEST_US = 1_443_657_600 * SECOND_US
# Further ahead than this is a fault of the clock, and not of the network. Behind shows nothing: stations queue.
AHEAD_US = 300 * SECOND_US
