"""Labels as DICOM structured reports by template 1500."""
