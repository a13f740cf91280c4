"""Beats: moments that work shares which recurs every few seconds, so that an idle machine wakes up seldom.

Each wake-up of an idle process costs some hundred microseconds before it does anything: the caches are cold, and
threads of gRPC look around for some seconds after each call. Ten tasks that wake at one moment pay that once. Beats are
multiples of BEAT_S of the monotonic clock, which the processes of a machine share.
"""

BEAT_S = 3.0
# A timer may fire this early, or a turn end this late, without an interval of one beat becoming none, or two.
_SLACK_S = 0.1


def until_beat(every_s: float, now_s: float) -> float:
    """Seconds from `now_s` until the last beat within `every_s`; `every_s` itself where that is no number of beats.

    `now_s` is of the monotonic clock (the event loop's, or `time.monotonic`). It may be a tenth of a second more than
    `every_s`.
    """
    if every_s < BEAT_S or every_s % BEAT_S:
        return every_s
    return (now_s + every_s + _SLACK_S) // BEAT_S * BEAT_S - now_s
