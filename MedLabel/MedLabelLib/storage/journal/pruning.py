"""What keeps the journal small: checkpoints are thinned out, and history goes when the user says so."""

from __future__ import annotations

import sqlite3

# beside the first and the newest few, one checkpoint stays of so many entries
CHECKPOINT_SPAN = 2000
NEWEST_KEPT = 3
HASHES_KEPT = 200


def thin_checkpoints(connection: sqlite3.Connection, volume: str) -> None:
    """Drop checkpoints that lie close together, inside a transaction. No entry is touched."""
    rows = connection.execute(
        "SELECT seq FROM checkpoints WHERE volume = ? ORDER BY seq", (volume,)
    ).fetchall()
    kept, span = {seq for (seq,) in rows[-NEWEST_KEPT:]}, None
    for (seq,) in rows:
        if seq // CHECKPOINT_SPAN != span:
            span = seq // CHECKPOINT_SPAN
            kept.add(seq)
    drop_checkpoints(connection, volume, [seq for (seq,) in rows if seq not in kept])


def drop_checkpoints(connection: sqlite3.Connection, volume: str, numbers: list[int]) -> None:
    """Remove checkpoints, and the masks that only they held."""
    for seq in numbers:
        blobs = connection.execute(
            "SELECT blob FROM checkpoint_blobs WHERE volume = ? AND seq = ?", (volume, seq)
        ).fetchall()
        connection.execute("DELETE FROM checkpoints WHERE volume = ? AND seq = ?", (volume, seq))
        connection.execute("DELETE FROM checkpoint_blobs WHERE volume = ? AND seq = ?", (volume, seq))
        connection.executemany(
            "DELETE FROM blobs WHERE hash = ? AND NOT EXISTS "
            "(SELECT 1 FROM checkpoint_blobs WHERE blob = hash)",
            blobs,
        )


def thin_hashes(connection: sqlite3.Connection, volume: str) -> None:
    """Forget the oldest of very many hashes of the volume's files."""
    for (name,) in connection.execute(
        "SELECT DISTINCT name FROM files WHERE volume = ?", (volume,)
    ).fetchall():
        connection.execute(
            "DELETE FROM files WHERE volume = ? AND name = ? AND number NOT IN "
            "(SELECT number FROM files WHERE volume = ? AND name = ? ORDER BY number DESC LIMIT ?)",
            (volume, name, volume, name, HASHES_KEPT),
        )


def prune_entries(connection: sqlite3.Connection, volume: str, until: int, checkpoint: int) -> int:
    """Forget what the entries up to ``until`` changed; who, when and what for stays, and the chain.

    ``checkpoint`` is one of the state after ``until`` or later; older ones go. Returns how many entries.
    """
    rows = connection.execute(
        "SELECT seq FROM checkpoints WHERE volume = ? AND seq < ?", (volume, checkpoint)
    ).fetchall()
    drop_checkpoints(connection, volume, [seq for (seq,) in rows])
    return connection.execute(
        "UPDATE entries SET ops = NULL WHERE volume = ? AND seq <= ? AND ops IS NOT NULL", (volume, until)
    ).rowcount
