"""A writer in a process of its own: ``journal_writer.py PROJECT SEED COUNT``. It acknowledges on stdout."""

from __future__ import annotations

import os
import sys

import numpy as np

from MedLabelLib.storage.project import Project
from MedLabelLib.storage.session import VolumeSession
from support.plain_model import PlainModel, choose, do_in_session


def main() -> None:
    project, seed, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    volume = next(Project.open(project).volumes())
    # one thread alone writes, so that the order of its calls is the order on the disk
    session = VolumeSession.open(volume, "writer", "command", rest_seconds=1000)
    random, model = np.random.default_rng(seed), PlainModel(session.annotation.shape)
    for number in range(1, count + 1):
        action = choose(random, model)
        model.do(action)
        do_in_session(session, action)
        os.write(1, number.to_bytes(4, "little"))
        if number % 6 == 0:
            session.flush()
        if number % 25 == 0:
            # the WAL goes back into the database, the moment at which most can be torn
            with session._journal.reading() as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    os._exit(0)


if __name__ == "__main__":
    main()
