"""From the id that a caller sends to the name that the lists of a release have for the listener."""


def listed_name(listener_id: str, key: bytes | None) -> str:
    """Return the name under which a release lists a listener.

    Every way into the lists (the server, `netgain lookup`, `why` and `export`) goes through this function.

    Args:
        listener_id: the id as the service and its logs have it.
        key: NETGAIN_ID_KEY; without one, lists hold the ids themselves.
    """
    if key is None:
        return listener_id
    from pipeline.logs.pseudonyms import pseudonym

    return pseudonym(key, listener_id)
