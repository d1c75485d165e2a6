"""The version of MedLabel, on every face and in the package."""

VERSION = "0.1.0"
