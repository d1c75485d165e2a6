"""Reading scans: NRRD, NIfTI and DICOM series."""
