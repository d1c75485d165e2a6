"""The benchmarks of ``medlabel bench``: a file each, which offers ``TITLE`` and ``run``.

``run(full)`` yields :class:`~MedLabelApp.bench.rows.Row`\\ s as it measures them, the peers beside it in
the same run. ``full`` asks for the whole of a benchmark whose default is a part of it.
"""
