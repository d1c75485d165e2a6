"""The front: a small server on loopback that lets the right browser in and starts one workspace per window.

``server.serve`` runs it. It decides nothing about projects: what it shows and does comes from callables that
are handed in. This package imports neither trame nor slicer.
"""
